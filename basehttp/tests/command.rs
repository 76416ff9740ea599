//! The command `basehttp` as what it is, a program: started, talked to over a socket, and ended.
