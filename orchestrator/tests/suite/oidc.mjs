// A real login service for the tests: `oidc-provider` with its own forms, a hand that fills them in like a browser, and a switch that disables a user.
//
//   node oidc.mjs PORT CLIENT REDIRECT TOKEN-SECONDS     (in the folder where `npm install oidc-provider` was run)
//   GET /test/browse?user=U&url=AUTHORIZATION-URL        logs U in and follows the way back; answers with what stands there
//   GET /test/disable?user=U                             U exists no more
import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.cwd()}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const [port, client, redirect, seconds] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const disabled = new Set();

const provider = new Provider(issuer, {
  clients: [{
    client_id: client,
    redirect_uris: [redirect],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  }],
  ttl: { IdToken: Number(seconds) },
  findAccount: (_, id) => (disabled.has(id) ? undefined : { accountId: id, claims: () => ({ sub: id }) }),
});
const serve = provider.callback();

// Fills in the forms of the service, step by step; cookies are kept as a browser does.
async function browse(start, user) {
  const cookies = new Map();
  let [url, options] = [start, {}];
  for (let step = 0; step < 20; step += 1) {
    const own = url.startsWith(issuer);
    const headers = { ...(options.headers ?? {}), ...(own ? { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; ') } : {}) };
    const answer = await fetch(url, { ...options, headers, redirect: 'manual' });
    if (!own) return answer.text();
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    if (answer.status >= 300 && answer.status < 400) {
      [url, options] = [new URL(answer.headers.get('location'), url).href, {}];
      continue;
    }
    const page = await answer.text();
    const form = page.match(/<form[^>]*action="([^"]+)"/);
    const prompt = page.match(/name="prompt" value="([^"]+)"/);
    if (!form || !prompt) return `stopped at ${answer.status}: ${page.slice(0, 300)}`;
    const fields = new URLSearchParams(prompt[1] === 'login' ? { prompt: 'login', login: user, password: 'any' } : { prompt: prompt[1] });
    [url, options] = [new URL(form[1], url).href, { method: 'POST', body: fields.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' } }];
  }
  return 'too many steps';
}

http.createServer(async (question, answer) => {
  const url = new URL(question.url, issuer);
  if (!url.pathname.startsWith('/test/')) return serve(question, answer);
  const user = url.searchParams.get('user');
  try {
    if (url.pathname === '/test/disable') disabled.add(user);
    answer.end(url.pathname === '/test/browse' ? await browse(url.searchParams.get('url'), user) : 'done');
  } catch (error) {
    answer.end(`failed: ${error}`);
  }
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
