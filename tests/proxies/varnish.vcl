vcl 4.1;

backend server {
    .host = "127.0.0.1";
    .port = "@server@";
}

sub vcl_recv {
    if (req.http.upgrade) {
        return (pipe);
    }
}

sub vcl_pipe {
    set bereq.http.X-Edge = "@mark@";
    if (req.http.upgrade) {
        set bereq.http.upgrade = req.http.upgrade;
        set bereq.http.connection = req.http.connection;
    }
}

sub vcl_backend_fetch {
    set bereq.http.X-Edge = "@mark@";
}
