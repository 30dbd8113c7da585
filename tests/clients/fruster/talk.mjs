// What services do with the bus, in both generations of its library: the same steps in each one's own words.

import { createRequire } from 'node:module'
import { step } from './steps.mjs'

const require = createRequire(import.meta.url)
const { BUS, GENERATION, ADMIN, NOBODY, EMAIL } = process.env
const older = GENERATION === 'older'
const bus = older ? require('fruster-bus') : require('@fruster/bus').default
const plain = require('nats')

await bus.connect(older ? BUS : { address: BUS })

const user = { id: ADMIN, scopes: [] }
const admin = `http.get.admin.user.${ADMIN}`
const text = (length) => Array.from({ length }, () => Math.floor(Math.random() * 16).toString(16)).join('')

/** A request, with or without the question which way it is to be made. */
const ask = (subject, message, more = {}) => bus.request({ subject, message, timeout: 20000, ...more })

/** What was thrown, as the packages throw it: no Error, but the message. */
const thrown = async (work) => {
  try {
    return { answered: await work() }
  } catch (error) {
    return { ...error, text: String(error) }
  }
}

const shape = ({ status, reqId, transactionId, from, ms, data }) => ({ status, reqId, transactionId, from, ms, data })
/** Whether data comes back as it was sent, from an operation that hands its message back. */
const echo = async (size) => {
  const sent = text(size)
  const { data } = await ask('interceptor.message-audit', { reqId: 'r-1', status: 200, data: { sent } })
  return { same: data.sent === sent, size: data.sent.length }
}
const count = ({ data }) => ({ found: data.users.length, size: JSON.stringify(data).length })

await step('answer', async () => shape(await ask(admin, { reqId: 'r-1', user })))
await step('without options', async () => shape(await ask(admin, { reqId: 'r-1', user }, { skipOptionsRequest: true })))
await step('service', async () =>
  count(await ask('user-service.get-users-by-query', { reqId: 'r-1', data: { query: { email: EMAIL } } })))
await step('dots', () => thrown(() => ask('http.post.user.resend-verification.some{dot}body@example{dot}org', { reqId: 'r-1' })))
await step('unknown', () => thrown(() => ask(`http.get.admin.user.${NOBODY}`, { reqId: 'r-1', user })))
await step('not logged in', () => thrown(() => ask(admin, { reqId: 'r-1' })))
await step('bad request', () => thrown(() => ask('user-service.get-users-by-query', { reqId: 'r-1', data: [] })))
await step('nobody', () => thrown(() => bus.request({
  subject: 'nobody.serves-this', message: { reqId: 'r-1' }, timeout: 100, skipOptionsRequest: true,
})))
await step('nobody has options', () => thrown(() => ask('nobody.serves-this', { reqId: 'r-1' }, { timeout: 100 })))
await step('metadata', async () => {
  const answers = await bus.requestMany({ subject: 'metadata', message: { reqId: 'r-1' } })
  const ours = answers.filter((each) => each.from.service === 'roster')
  return { answers: ours.length, exposing: ours[0]?.data.exposing.length, schemas: ours[0]?.data.schemas.length }
})
await step('long request', () => echo(1_200_000))
await step('long answer', async () =>
  count(await ask('user-service.get-users-by-query', { reqId: 'r-1', data: { query: { group: 'long' }, limit: 75 } })))

if (!older) {
  await step('two parts', () => echo(2_400_000))
  await step('three parts', () => echo(3_600_000))
  await step('chunked answer', async () =>
    count(await ask('user-service.get-users-by-query', { reqId: 'r-1', data: { query: { group: 'long' } } })))
  await step('not thrown', async () => await bus.request({
    subject: admin, message: { reqId: 'r-1' }, timeout: 20000, throwErrors: false,
  }))
} else {
  await step('answer that does not fit', () => thrown(() =>
    ask('user-service.get-users-by-query', { reqId: 'r-1', data: { query: { group: 'long' } } })))
  await step('upload', async () => (await bus.request({
    subject: 'http.post.file-service.upload', message: { reqId: 'r-1' }, timeout: 1000, returnOptionsResponse: true,
  })).data)
}

await step('inbox', () => new Promise((resolve, reject) => {
  const client = plain.connect({ servers: [BUS], json: true })
  client.requestOne(admin, { reqId: 'r-1', user }, {}, 20000, (answer) => {
    client.close()
    answer.code ? reject(answer) : resolve(shape(answer))
  })
}))

await step('side by side', () => new Promise((resolve) => {
  const subject = 'user-service.get-users-by-query'
  bus.subscribe({ subject, handle: async () => ({ status: 200, data: { theirs: true } }) })
  const client = plain.connect({ servers: [BUS], json: true })
  const answers = []
  const done = () => {
    client.close()
    resolve({ answers: answers.length, theirs: answers.filter((each) => each.data.theirs).length })
  }
  client.subscribe('side.by.side', (answer) => {
    answers.push(answer)
    if (answers.length === 40) client.flush(() => client.flush(done))
  })
  const send = () => {
    for (let number = 0; number < 40; number++) {
      client.publish(subject, { reqId: 'r-1', data: { query: { email: EMAIL } } }, 'side.by.side')
    }
  }
  ask(subject, { reqId: 'r-1', data: { query: { email: EMAIL } } }).then(() => client.flush(send))
}))

process.exit(0)
