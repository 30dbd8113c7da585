// An application's set-up of the SDK that `SDK` names. For the one for the web there is a browser, which jsdom stands in
// for, with a page from `ORIGIN`.

import { subscribe } from 'node:diagnostics_channel'

const { SDK, BASE, REALM, ID, KEY, ORIGIN } = process.env

export const sdk = (await import(SDK)).default
console.info = console.warn = console.error // by which the SDK tells of addresses; standard output is for steps

/** What the browser sent, besides what the SDK asked it for. */
export const wire = []

async function browser() {
  subscribe('undici:request:headers', ({ request, response }) =>
    wire.push(`${request.method} ${request.path} ${response.statusCode}`))
  const { JSDOM } = (await import('jsdom')).default
  globalThis.XMLHttpRequest = new JSDOM('', { url: ORIGIN }).window.XMLHttpRequest
  return sdk.webRequestHandler({})
}

sdk.API.initialize(await (SDK.includes('web') ? browser() : sdk.nodeRequestHandler({ userAgent: 'an-application/1' })))

export const connect = (id, key, realm = REALM) => new sdk.API(BASE, realm, id, key)
export const boss = connect(ID, KEY)

/** An answer with what the SDK keeps beside its members: the status, and headers. */
export const whole = (answer, ...headers) => ({
  ...answer, ...Object.fromEntries(['', ...headers].map((name) => [`@${name}`, answer[`@${name}`]])),
})

/** Bytes of a text as the SDK takes keys. */
export const key = (text) => Buffer.from(text).toString('base64')
