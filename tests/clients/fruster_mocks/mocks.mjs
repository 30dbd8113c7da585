// Services that are not there, as the platform's tests make them: each hears what Roster asks of it.

import { createRequire } from 'node:module'
import { step } from './steps.mjs'

const require = createRequire(import.meta.url)
const { BUS, SERVER, ADMIN, PASSWORD, NEW_PASSWORD, EMAIL } = process.env
const bus = require('fruster-bus')
const plain = require('nats')
const { mockService } = require('fruster-test-utils')
const origin = `${SERVER}/wellbee`
const secrets = []

await bus.connect(BUS)

const mocked = (subject, response) => mockService({ bus, subject, response })
const later = () => new Promise((resolve) => setTimeout(resolve, 10))
const until = async (found) => {
  while (!found()) await later()
}
const shape = ({ reqId, transactionId, from, data, query, params, user, path, method }) =>
  ({ reqId, transactionId, from, data, query, params, user, path, method })

/** A request over HTTP, as a browser or an app makes it. */
const call = async (method, path, data, headers = {}) => {
  const body = data && JSON.stringify(data)
  const answer = await fetch(origin + path, { method, body, headers: { 'content-type': 'application/json', ...headers } })
  const found = await answer.json()
  return { status: answer.status, ...found, cookie: answer.headers.get('set-cookie') ?? '' }
}

const everything = []
const listener = plain.connect({ servers: [BUS] })
listener.subscribe('>', (text, reply, subject) => everything.push({ subject, text }))
await new Promise((resolve) => listener.flush(resolve))

const events = mocked('http.get.event.:id', ({ params }) => ({ data: { name: `Event ${params.id}` } }))
const guard = mocked('guard-service.see', (request) => ({ ...request, interceptAction: 'next' }))
const reports = mocked('report-service.run', { data: { done: true } })
const created = mocked('schedule-service.job-created', {})
const deleted = mocked('pub.user-service.user-deleted', {})
const mails = mocked('mail-service.send-mail', { data: { mocked: true } })
const busy = mockService({ bus, subject: 'http.put.event.:id', responses: [{ data: 1 }] })
await new Promise((resolve) => listener.flush(resolve))

/** What a request over HTTP brought, and kept: each token of it is a secret. */
const signed = async () => {
  const found = await call('POST', '/auth/token', { username: 'one', password: PASSWORD })
  secrets.push(found.data.accessToken, found.data.refreshToken)
  return found.data
}

const tokens = await step('sign in', async () => {
  const { accessToken, refreshToken } = await signed()
  return { accessToken, refreshToken }
})
await step('guarded', () => ({ seen: guard.invocations, path: guard.requests[0]?.path, data: guard.requests[0]?.data }))

await step('forwarded', async () => {
  const bearer = { authorization: `Bearer ${tokens.accessToken}` }
  const answer = await call('GET', '/Event/A.b?sort[name]=1', undefined, bearer)
  return { answer, asked: shape(events.requests[0]) }
})
await step('answers in their order', async () =>
  [await call('PUT', '/event/1', { n: 1 }), await call('PUT', '/event/2', { n: 2 })].map(({ status, data, error }) =>
    ({ status, data, code: error?.code })))

await step('job', async () => {
  const data = { id: 'report', subject: 'report-service.run', at: new Date().toISOString(), data: { n: 1 } }
  await bus.request({ subject: 'schedule-service.create-job', message: { reqId: 'r-1', data }, timeout: 20000 })
  await until(() => reports.invocations && created.invocations)
  return { run: shape(reports.requests[0]), told: created.requests[0].data }
})

await step('mail', async () => {
  const data = { to: 'two@example.org', from: 'us@example.org', subject: 'Hi', message: 'Hello' }
  const send = () => bus.request({ subject: 'mail-service.send-mail', message: { reqId: 'r-1', data }, timeout: 20000 })
  const answers = await Promise.all(Array.from({ length: 40 }, send))
  return { answers: answers.length, mocked: answers.filter((each) => each.data.mocked).length, heard: mails.invocations }
})

await step('secrets', async () => {
  const before = everything.length
  const cookie = await call('POST', '/auth/cookie', { username: 'one', password: PASSWORD })
  secrets.push(cookie.cookie.split(';')[0].split('=')[1])
  const refreshed = await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken })
  secrets.push(refreshed.data.accessToken)
  const asked = await call('POST', '/reset-password', { username: EMAIL })
  const wrong = await call('POST', '/auth/cookie', { username: 'one', password: NEW_PASSWORD })
  const bearer = { authorization: `Bearer ${refreshed.data.accessToken}` }
  const changed = await call('PUT', '/user/update-password',
    { oldPassword: PASSWORD, newPassword: NEW_PASSWORD }, bearer)
  const left = await call('POST', '/auth/logout', {}, bearer)
  await new Promise((resolve) => listener.flush(resolve))
  const heard = everything.slice(before)
  const leaked = (messages) =>
    [PASSWORD, NEW_PASSWORD, ...secrets].filter((secret) => messages.some(({ text }) => text.includes(secret)))
  return {
    statuses: [cookie, refreshed, asked, wrong, changed, left].map(({ status }) => status),
    secrets: secrets.filter((each) => each?.length > 20).length,
    heardBefore: leaked(everything.slice(0, before)).length,
    leaked: leaked(heard),
  }
})

await step('gone', async () => {
  const { data } = await bus.request({
    subject: 'user-service.get-user', message: { reqId: 'r-1', data: { email: EMAIL } }, timeout: 20000,
  })
  const [{ id }] = data
  const message = { reqId: 'r-1', data: { id } }
  await bus.request({ subject: 'user-service.delete-user', message, timeout: 20000 })
  await until(() => deleted.invocations)
  return { id, told: deleted.requests[0].data, from: deleted.requests[0].from.service }
})

process.exit(0)
