// An OpenID Connect provider of its own process, for tests: real discovery, keys, tokens and sign-out, with a
// sign-in form that believes whoever is named. Started and told what to do by oidc_provider.py beside it.
//
// POST /test/settings {clients, users, token_claims, ttl} replaces what is known; POST /test/keys rotates the
// signing keys (the old one is still published until the second rotation, as providers do).
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

let issuer;
let handle;
let settings = { clients: [], users: {}, token_claims: true, ttl: {} };
let keys = [newKey()];

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' };
}

// A provider cannot be changed once it runs; a new one takes its place, with the sessions and codes of the old.
function rebuild() {
  const provider = new Provider(issuer, {
    clients: settings.clients,
    jwks: { keys },
    cookies: { keys: ['only for tests'] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name', 'given_name', 'family_name'], email: ['email', 'email_verified'], groups: ['groups'] },
    // Whether the ID token itself holds name and e-mail, as with most providers, or only userinfo does.
    conformIdTokenClaims: !settings.token_claims,
    pkce: { required: () => true },
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, AuthorizationCode: 60, IdToken: 600, AccessToken: 600, RefreshToken: 3600, ...settings.ttl },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = page('Sign out', `${form}<button form="op.logoutForm" name="logout" value="yes">Yes, sign out</button>`);
        },
        postLogoutSuccessSource: (ctx) => { ctx.body = page('Signed out', '<p>Signed out.</p>'); },
      },
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, sub) => {
      const user = Object.values(settings.users).find((one) => one.sub === sub);
      return user && { accountId: sub, claims: () => user };
    },
    // What the client asks for is granted without a page of its own.
    loadExistingGrant: async (ctx) => {
      return grantAll(ctx.oidc.provider, ctx.oidc.client.clientId, ctx.oidc.session.accountId);
    },
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    renderError: (ctx, out, error) => {
      ctx.body = page('Refused', `<p>${escape(out.error)}: ${escape(out.error_description || error.message)}</p>`);
    },
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  handle = { provider, callback: provider.callback() };
}

async function grantAll(provider, clientId, accountId) {
  const grant = new provider.Grant({ clientId, accountId });
  grant.addOIDCScope('openid offline_access profile email groups');
  await grant.save();
  return grant;
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(title, body) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`;
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

function html(response, status, body) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(body);
}

// The form with one field, and what it does.
async function interact(request, response) {
  const { provider } = handle;
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === 'consent') {
    const grant = await grantAll(provider, details.params.client_id, details.session.accountId);
    const consent = { grantId: grant.jti };
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  }
  if (request.method !== 'POST') {
    return html(response, 200, page('Sign in at the provider',
      `<form method="post"><label>Login <input name="login" value="${escape(details.params.login_hint || '')}" autofocus></label><button>Sign in</button>
       <button name="refuse" value="1">Refuse</button></form>`));
  }
  const form = new URLSearchParams(await bodyOf(request));
  if (form.get('refuse')) {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'Refused at the provider.' });
  }
  const user = settings.users[form.get('login')];
  if (!user) return html(response, 401, page('Sign in at the provider', '<p>Nobody is called that.</p>'));
  return provider.interactionFinished(request, response, { login: { accountId: user.sub } });
}

async function control(request, response) {
  if (request.url === '/test/settings') settings = { ...settings, ...JSON.parse(await bodyOf(request)) };
  if (request.url === '/test/keys') keys = [newKey(), keys[0]];
  rebuild();
  response.writeHead(204).end();
}

const server = createServer(async (request, response) => {
  try {
    if (request.url.startsWith('/test/')) await control(request, response);
    else if (request.url.startsWith('/interaction/')) await interact(request, response);
    else handle.callback(request, response);
  } catch (error) {
    console.error(error);
    if (!response.headersSent) html(response, 500, page('Error', escape(error.message)));
  }
});

server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  rebuild();
  console.log(issuer);
});
// Whoever started us holds our standard input open: when they are gone, however they went, so are we.
process.stdin.on('end', () => process.exit(0)).resume();
