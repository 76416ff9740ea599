// Another server behind the tap: node tests/proxies/node.mjs PORT. It serves as src/bin/proxies/server.rs does.
import http from "node:http";

const server = http.createServer((request, response) => {
  const pieces = [];
  const isEarly = request.url.includes("/early/");
  const path = request.url.split(/[?#]/)[0];
  const said = `${request.method} ${path.match(/(?:^|\/)(\d+)$/)?.[1] ?? "-"}`;
  const answer = () => {
    response.setHeader("X-Served", said);
    response.setHeader("Cache-Control", "no-store");
    if (request.url.includes("/close/")) response.setHeader("Connection", "close");
    response.end(Buffer.concat([Buffer.from(`${said}\n`), ...pieces]));
  };
  if (isEarly) return answer();
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", answer);
  request.on("error", () => {});
});
server.listen(Number(process.argv[2]), "127.0.0.1");
