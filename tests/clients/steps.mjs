// What every script of a client uses: a line of JSON for each step, with the requests that the step made.

import { subscribe } from 'node:diagnostics_channel'

const requests = []

subscribe('http.client.response.finish', ({ request, response }) => {
  const address = `${request.protocol}//${request.getHeader('host')}${request.path}`
  requests.push(`${request.method} ${address} ${response.statusCode}`)
})

const send = globalThis.fetch

globalThis.fetch = async (resource, options) => {
  const address = new URL(resource instanceof Request ? resource.url : resource)
  const request = `${options?.method ?? 'GET'} ${address.origin}${address.pathname}`
  try {
    const response = await send(resource, options)
    requests.push(`${request} ${response.status}`)
    return response
  } catch (error) {
    requests.push(`${request} failed`)
    throw error
  }
}

/** Do something, print how it went, and return its answer; undefined when it was refused. */
export async function step(name, work) {
  requests.length = 0
  const outcome = await attempt(work)
  console.log(JSON.stringify({ step: name, requests, ...outcome }))
  return outcome.answer
}

/** The answer, or what was thrown in a form that JSON can hold. */
export async function attempt(work) {
  try {
    return { answer: await work() }
  } catch (error) {
    const { name, message, type, status, statusText, data } = error
    return { error: { name, message, type, status, statusText, code: data?.code } }
  }
}
