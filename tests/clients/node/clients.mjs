// The cases of Node. The first line of standard input has the places of the servers, each further line the title of a case.
// Each is answered by a line of JSON. The arguments of `done` are a path and the maximum number of connections that the
// server's log may show for it.
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const MIB2 = 2 << 20;
const versions = {};
const places = {};
const url = (server, path = '/') => `http://127.0.0.1:${places[server]}${path}`;

/** Pseudo-random bytes, always the same for a length. */
function bytes(length) {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, length % 256), Buffer.alloc(16)).update(Buffer.alloc(length));
}

function same(actual, expected, what) {
  assert.ok(
    Buffer.from(actual).equals(expected),
    `${what}: ${actual.length ?? actual.byteLength} bytes differ from the ${expected.length} expected`,
  );
}

function* pieces(body, size = 60_000) {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

/** Sends one request with `http`. Its body is a buffer or a stream. */
function ask(options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', timeout: 30_000, ...options });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('response', async (reply) => {
      try {
        const parts = [];
        for await (const part of reply) parts.push(part);
        const { statusCode: status, headers, rawTrailers } = reply;
        resolve({ status, headers, rawTrailers, body: Buffer.concat(parts) });
      } catch (error) {
        reject(error);
      }
    });
    if (body instanceof Readable) pipeline(body, request).catch(reject);
    else request.end(body);
  });
}

async function until(condition, what) {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const cases = {
  async 'fetch: bodies of 0 bytes to 2 MiB, in both directions'(paths) {
    for (const length of [0, 1, 65_535, 65_536, 65_537, MIB2]) {
      const body = bytes(length);
      const put = await fetch(url('store', paths[0]), { method: 'PUT', body });
      assert.ok([201, 204].includes(put.status), `${put.status}`);
      await put.arrayBuffer();
      const reply = await fetch(url('store', paths[0]));
      assert.equal(reply.headers.get('content-length'), `${length}`);
      same(await reply.arrayBuffer(), body, `${length}`);
    }
  },

  async 'fetch: a streamed body, sent back in chunks'() {
    const body = bytes(MIB2);
    const reply = await fetch(url('echo'), {
      method: 'POST',
      body: Readable.toWeb(Readable.from(pieces(body))),
      duplex: 'half',
    });
    assert.equal(reply.headers.get('transfer-encoding'), 'chunked');
    same(await reply.arrayBuffer(), body, 'echo');
  },

  async 'fetch: 100 at once'(paths) {
    const body = bytes(20_000);
    await fetch(url('store', paths[0]), { method: 'PUT', body });
    const replies = await Promise.all(
      Array.from({ length: 100 }, () => fetch(url('store', paths[0])).then((reply) => reply.arrayBuffer())),
    );
    for (const reply of replies) same(reply, body, 'reply');
  },

  async 'fetch: HEAD, 204, 304, 404, redirects'(paths) {
    await fetch(url('store', paths[0]), { method: 'PUT', body: bytes(1000) });
    const head = await fetch(url('store', paths[0]), { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '1000', '']);
    const known = await fetch(url('store', paths[0]), { headers: { 'If-None-Match': head.headers.get('etag') } });
    assert.deepEqual([known.status, await known.text()], [304, '']);
    const gone = await fetch(url('store', paths[0]), { method: 'DELETE' });
    assert.deepEqual([gone.status, await gone.text()], [204, '']);
    const missing = await fetch(url('store', paths[0]));
    assert.equal(missing.status, 404);
    assert.equal((await missing.text()).length, Number(missing.headers.get('content-length')));
    const moved = await fetch(url('state', '/reset'), { method: 'POST' });
    assert.deepEqual([moved.status, moved.redirected, (await moved.text()).includes('Visit 1, ')], [200, true, true]);
  },

  async 'fetch: aborted downloads do not affect other requests'(paths) {
    const body = bytes(16 << 20);
    await fetch(url('store', paths[0]), { method: 'PUT', body });
    for (let number = 0; number < 5; number++) {
      const abort = new AbortController();
      const reply = await fetch(url('store', paths[0]), { signal: abort.signal });
      const { value } = await reply.body.getReader().read();
      same(value, body.subarray(0, value.length), 'beginning of the body');
      abort.abort();
    }
    same(await (await fetch(url('store', paths[0]))).arrayBuffer(), body, 'next request');
  },

  async 'fetch: 413 for 17 MiB'(paths) {
    const reply = await fetch(url('store', paths[0]), { method: 'PUT', body: bytes(17 << 20) });
    assert.equal(reply.status, 413);
  },

  async 'http.Agent: 500 requests on 4 connections'(paths, done) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const body = bytes(5000);
    const to = { agent, port: places.store, path: paths[0] };
    assert.equal((await ask({ ...to, method: 'PUT' }, body)).status, 201);
    const replies = await Promise.all(Array.from({ length: 500 }, () => ask(to)));
    for (const reply of replies) same(reply.body, body, 'reply');
    agent.destroy();
    done(paths[0], 4);
  },

  async 'http.Agent: streamed bodies of 0 bytes to 2 MiB, chunked'(paths, done) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const to = { agent, port: places.store, path: paths[0] };
    for (const length of [0, 1, 65_535, 65_536, 65_537, MIB2]) {
      const body = bytes(length);
      const put = await ask({ ...to, method: 'PUT' }, Readable.from(pieces(body)));
      assert.ok([201, 204].includes(put.status), `${put.status}`);
      same((await ask(to)).body, body, `${length}`);
    }
    agent.destroy();
    done(paths[0], 1);
  },

  async 'http: 100-continue'(paths) {
    const body = bytes(MIB2);
    const events = [];
    const status = await new Promise((resolve, reject) => {
      const headers = { Expect: '100-continue', 'Content-Length': MIB2 };
      const request = http.request({ host: '127.0.0.1', port: places.store, path: paths[0], method: 'PUT', headers });
      request.on('continue', () => events.push('continue') && request.end(body));
      request.on(
        'response',
        (reply) => events.push('response') && reply.resume().on('end', () => resolve(reply.statusCode)),
      );
      request.on('error', reject);
      request.flushHeaders();
    });
    assert.deepEqual([status, events], [201, ['continue', 'response']]);
    same((await ask({ port: places.store, path: paths[0] })).body, body, 'stored body');
  },

  async 'http: trailers, and a response while the request is being sent'() {
    const request = http.request({
      host: '127.0.0.1',
      port: places.echo,
      method: 'POST',
      headers: { 'Transfer-Encoding': 'chunked', Trailer: 'X-Sum' },
    });
    const reply = await new Promise((resolve, reject) => {
      request.on('response', resolve).on('error', reject);
      request.write('one');
    });
    const parts = reply[Symbol.asyncIterator]();
    assert.equal(`${(await parts.next()).value}`, 'one');
    request.write('two');
    assert.equal(`${(await parts.next()).value}`, 'two');
    request.addTrailers({ 'X-Sum': '6' });
    request.end();
    let rest = '';
    for (let part = await parts.next(); !part.done; part = await parts.next()) rest += part.value;
    assert.equal(rest, '\nX-Sum: 6\n');
  },

  async 'http: a unix socket'(paths) {
    const body = bytes(MIB2);
    const to = { socketPath: places.unix, path: paths[0] };
    assert.equal((await ask({ ...to, method: 'PUT' }, body)).status, 201);
    same((await ask(to)).body, body, 'stored body');
  },

  async 'http: an aborted upload is not stored'(paths) {
    const headers = { 'Content-Length': MIB2 };
    const request = http.request({ host: '127.0.0.1', port: places.store, path: paths[0], method: 'PUT', headers });
    const closed = new Promise((resolve) => request.on('close', resolve));
    request.on('error', () => {});
    await new Promise((resolve) => request.write(bytes(MIB2).subarray(0, 300_000), resolve));
    request.destroy();
    await closed;
    assert.equal((await ask({ port: places.store, path: paths[0] })).status, 404);
    // 201: nothing was there.
    assert.equal((await ask({ port: places.store, path: paths[0], method: 'PUT' }, bytes(10))).status, 201);
  },

  async 'http: an ignored upgrade'() {
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket' };
    const reply = await ask({ port: places.bench, headers });
    assert.deepEqual([reply.status, `${reply.body}`, reply.headers.upgrade], [200, 'Hello, World!', undefined]);
  },

  async 'http: 431 for a long head, 417 for another Expect, 501'() {
    const status = async (options) => (await ask({ port: places.spam, ...options })).status;
    assert.equal(await status({ headers: { 'X-Long': 'x'.repeat(66_000) } }), 431);
    assert.equal(await status({ headers: { Expect: '200-ok' } }), 417);
    assert.equal(await status({ method: 'PURGE' }), 501);
    assert.equal(await status({ method: 'M-SEARCH' }), 200);
  },

  // The server closes idle connections after half a second. A request sent at that moment would fail with any server, so the
  // agent gets time to notice the close.
  async 'http.Agent: 500 requests, while the server closes idle connections in between'(paths, done) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
    const to = { agent, port: places.hasty, path: paths[0], method: 'OPTIONS' };
    for (let round = 0; round < 5; round++) {
      const replies = await Promise.all(Array.from({ length: 100 }, () => ask(to)));
      for (const reply of replies) assert.equal(reply.status, 204);
      await until(() => Object.keys(agent.freeSockets).length === 0, 'idle connections to be closed');
    }
    agent.destroy();
    done(paths[0], 50, 'hasty');
  },

  async 'fetch: the server closes idle connections in between'() {
    for (let round = 0; round < 3; round++) {
      const replies = await Promise.all(
        Array.from({ length: 20 }, () => fetch(url('hasty', '/x'), { method: 'OPTIONS' })),
      );
      for (const reply of replies) assert.equal(reply.status, 204);
      await new Promise((resolve, reject) => {
        // This connection is opened after the others, so the server closes it after them.
        net.connect(places.hasty, '127.0.0.1').on('error', reject).on('close', resolve).resume();
      });
    }
  },
};

function undici({ Agent, Client, fetch: ownFetch, request }) {
  return {
    async 'undici: 10 requests in a pipeline'(paths, done) {
      const body = bytes(30_000);
      const client = new Client(url('store', '').replace(/\/$/, ''), { pipelining: 10 });
      const put = await client.request({ path: paths[0], method: 'PUT', body });
      assert.equal(put.statusCode, 201);
      await put.body.dump();
      const get = async () => (await client.request({ path: paths[0], method: 'GET' })).body.arrayBuffer();
      for (const reply of await Promise.all(Array.from({ length: 200 }, get))) same(reply, body, 'reply');
      await client.close();
      done(paths[0], 1);
    },

    async 'undici: fetch and request, streamed'() {
      const body = bytes(MIB2);
      const dispatcher = new Agent({ connections: 2 });
      const to = { method: 'POST', dispatcher };
      const reply = await request(url('echo'), { ...to, body: Readable.from(pieces(body)) });
      same(await reply.body.arrayBuffer(), body, 'request');
      const fetched = await ownFetch(url('echo'), { ...to, body: Readable.from(pieces(body)), duplex: 'half' });
      same(await fetched.arrayBuffer(), body, 'fetch');
      await dispatcher.close();
    },

    async 'undici: Expect: 100-continue'(paths) {
      const client = new Client(url('store', '').replace(/\/$/, ''));
      const body = bytes(100_000);
      const put = client.request({ path: paths[0], method: 'PUT', body, expectContinue: true });
      assert.equal((await put).statusCode, 201);
      same(await (await client.request({ path: paths[0], method: 'GET' })).body.arrayBuffer(), body, 'stored body');
      await client.close();
    },
  };
}

function axios(client) {
  const binary = { responseType: 'arraybuffer', maxRedirects: 5 };
  return {
    async 'axios: bodies and streams, in both directions'(paths, done) {
      const httpAgent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const body = bytes(MIB2);
      const to = url('store', paths[0]);
      assert.equal((await client.put(to, body, { httpAgent })).status, 201);
      assert.equal((await client.put(to, Readable.from(pieces(body)), { httpAgent, maxRedirects: 0 })).status, 204);
      same((await client.get(to, { ...binary, httpAgent })).data, body, 'get');
      assert.equal((await client.head(to, { httpAgent })).headers['content-length'], `${MIB2}`);
      same((await client.post(url('echo'), body, binary)).data, body, 'echo');
      httpAgent.destroy();
      done(paths[0], 1);
    },

    async 'axios: errors and redirects'() {
      await assert.rejects(client.get(url('store', '/none')), { code: 'ERR_BAD_REQUEST', status: 404 });
      await assert.rejects(client.get(url('pages', '/fail')), { code: 'ERR_BAD_RESPONSE', status: 500 });
      assert.match((await client.post(url('state', '/reset'))).data, /Visit 1, /);
    },
  };
}

/** The packages from npm, if they are installed. */
function packages() {
  const require = createRequire(`${process.env.NODE_MODULES ?? '/nonexistent'}/`);
  for (const [name, make, module] of [
    ['undici', undici],
    ['axios', axios],
  ]) {
    try {
      const found = require(name);
      versions[name] = require(`${name}/package.json`).version;
      Object.assign(cases, make(found.default ?? found));
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
}

packages();
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  let answer;
  if (question.case === undefined) {
    Object.assign(places, question);
    answer = { titles: Object.keys(cases), versions };
  } else {
    const connections = [];
    const run = cases[question.case](question.paths, (...seen) => connections.push(seen));
    answer = {
      error: await run.then(
        () => null,
        (error) => `${error.stack ?? error} ${error.cause ?? ''}`,
      ),
      connections,
    };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
