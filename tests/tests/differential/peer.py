"""What Python's own http.server and http.client understand, for tests/differential/python.rs.

A line on stdin, a line on stdout. What is not a word of this protocol is hex.

    request BYTES           ->  ok COMMAND PATH VERSION NAME=VALUE ...
                                error CODE
                                nothing
    responses METHODS BYTES   ->  VERSION,CODE,REASON,BODY,NAME=VALUE,... for each method in METHODS (GET,HEAD,...), blanks between;
                                broken,WHY in place of one that cannot be read; then rest,BYTES
"""
import http.client
import http.server
import io
import sys


def out(text):
    return text.encode('latin-1', 'backslashreplace').hex()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def __init__(self, data):
        self.rfile, self.wfile = io.BytesIO(data), io.BytesIO()
        self.client_address, self.answer = ('127.0.0.1', 1), 'nothing'
        self.handle_one_request()

    def send_error(self, code, message=None, explain=None):
        if self.answer == 'nothing':
            self.answer = f'error {int(code)}'
        self.close_connection = True

    def handle_expect_100(self):
        return True

    def log_message(self, *args):
        pass

    def do_GET(self):
        fields = [f'{out(name)}={out(value)}' for name, value in self.headers.items()]
        words = [out(self.command), out(self.path), out(self.request_version)]
        self.answer = ' '.join(['ok', *words, *fields])

    do_HEAD = do_POST = do_GET


class Sock:
    def __init__(self, stream):
        self.stream = stream

    def makefile(self, mode):
        return self.stream


class Stream(io.BytesIO):
    """One response after the other is read from it: no response closes it."""

    def close(self):
        pass


def responses(methods, data):
    stream, found = Stream(data), []
    for method in methods:
        response = http.client.HTTPResponse(Sock(stream), method=method)
        try:
            response.begin()
            body = response.read()
        except Exception as error:
            found.append('broken,' + out(repr(error)))
            break
        fields = [f'{out(name)}={out(value)}' for name, value in response.getheaders()]
        head = [str(response.version), str(response.status), out(response.reason), body.hex()]
        found.append(','.join(head + fields))
    return ' '.join([*found, 'rest,' + stream.read().hex()])


for line in sys.stdin:
    words = line.split()
    if words[0] == 'request':
        answer = Handler(bytes.fromhex(''.join(words[1:]))).answer
    else:
        answer = responses(words[1].split(','), bytes.fromhex(''.join(words[2:])))
    print(answer, flush=True)
