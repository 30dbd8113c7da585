// A computer whose clock is wrong.

import { step } from './steps.mjs'

const { ID, KEY } = process.env
const credentials = { id: ID, key: Buffer.from(KEY, 'base64'), algorithm: 'sha256' }
const now = Date.now
let off = 0

Date.now = () => now() + off // before the SDK is there, which keeps what it finds
const { boss } = await import('./connect.mjs')
const { client } = (await import('@onslip/hawk')).default

/** The challenge of a refusal, once the library has found it signed with the key. */
function checked({ status, data }) {
  const headers = { 'www-authenticate': data['@www-authenticate'] }
  const found = client.authenticate({ headers }, credentials)
  return { status, code: data.code, ...found.headers['www-authenticate'], now: Math.floor(now() / 1000) }
}

async function offBy(seconds) {
  off = seconds * 1000
  try {
    return (await boss.getClientInfo())['@']
  } catch (error) {
    return checked(error)
  } finally {
    off = 0
  }
}

await step('a minute slow', () => offBy(-61))
await step('a minute fast', () => offBy(62))
await step('slow', () => offBy(-50))
await step('fast', () => offBy(50))
