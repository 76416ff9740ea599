//! HTTP/1.x on bytes: no I/O, no clock, no threads; bytes in, values out.
