// An application that acts for people, by the authorization code flow with PKCE: through the page for consent, and through
// a backoffice that consents by the API.

import { step } from './steps.mjs'
import { boss, connect, key, sdk } from './connect.mjs'

const { BASE, REALM, PASSWORD } = process.env
const BACK = 'https://app.example/back'
const integration = await step('register', () => boss.addIntegration({
  alias: 'acme-sync', name: 'Acme Sync', type: 'oauth', description: 'Keeps things alike', author: 'Acme',
  email: 'dev@acme.example', 'web-address': 'https://acme.example/', permissions: ['show-users', 'show-roles'],
  features: [], confinements: ['user'], 'oauth-redirect-uris': [BACK],
}))
await step('registered', () => boss.listIntegrations('alias=acme-sync'))
await step('fetched', () => boss.getIntegration(integration.id))

// The application sends somebody to the page, and the page leads back

const [challenge, verifier] = await sdk.oauthPKCE()
const asked = new URLSearchParams({
  client_id: 'acme-sync', response_type: 'code', redirect_uri: BACK, code_challenge: challenge,
  code_challenge_method: 'S256', scope: 'show-users', state: 'where I was',
})
const page = new URL(`../oauth-authorization/?${asked}`, BASE)
await step('page', async () => (await fetch(page)).text())
const answer = async (fields) => {
  const body = new URLSearchParams({ company: REALM, user: 'boss', ...fields })
  const { status, headers } = await fetch(page, { method: 'POST', body, redirect: 'manual' })
  const location = headers.get('location')
  return { status, back: location && Object.fromEntries(new URL(location).searchParams) }
}
await step('wrong password', () => answer({ password: 'a guess' }))
await step('not allowed', () => answer({ password: PASSWORD, deny: '1' }))
const allowed = await step('allowed', () => answer({ password: PASSWORD }))

// The code is good for one key, which signs

const open = connect('', '')
const exchange = (code, more) => open.requestOAuthAccessToken({
  grant_type: 'authorization_code', client_id: 'acme-sync', redirect_uri: BACK, code, code_verifier: verifier, ...more,
})
await step('wrong verifier', () => exchange(allowed.back.code, { code_verifier: 'v'.repeat(43) }))
const token = await step('token', () => exchange(allowed.back.code))
await step('the code again', () => exchange(allowed.back.code))
const app = connect(token.access_token, key(token.secret), token.realm)
await step('sign', () => app.getClientInfo())
await step('list', async () => (await app.listUsers()).map((user) => user.alias))
await step('more than was allowed', () => app.listRoles())

// A backoffice consents for whoever signs there

const consent = { 'oauth-redirect-uri': BACK, 'oauth-code-challenge': challenge, permissions: ['show-roles'], name: 'Roles only', 'return-scope': true }
const consented = await step('consent', () => boss.authorizeIntegration(integration.id, consent))
await step('consent to more', () => boss.authorizeIntegration(integration.id, { ...consent, permissions: ['edit-users'] }))
await step('consent for another address', () =>
  boss.authorizeIntegration(integration.id, { ...consent, 'oauth-redirect-uri': 'https://evil.example/' }))
const second = await step('token of consent', () => exchange(consented?.code))
await step('sign by consent', () => connect(second.access_token, key(second.secret)).getClientInfo())
