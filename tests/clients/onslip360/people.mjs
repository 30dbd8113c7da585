// The whole life of a user.

import { step } from './steps.mjs'
import { boss, connect, key, sdk, whole, wire } from './connect.mjs'

const { ID, KEY, REALM, OTHER_REALM } = process.env
const { query } = sdk
const added = {
  name: 'Åsa Öberg', alias: 'asa.oberg', email: 'asa@example.org', pin: key('a key made of a PIN'),
  password: key('a key made of a password'), 'identity-number': '19790101-1234', 'system-roles': ['cashier'],
  tags: ['new'], '_acme-ref': '77', '_acme-shoe-size': '39',
}

// Who one is

const info = await step('client info', () => boss.getClientInfo())
await step('company', () => boss.getCompanyInfo())
await step('served elsewhere', () => {
  const api = connect(ID, KEY).setServiceEndpoints(info['service-endpoints'])
  return api.getClientInfo().then((answer) => answer.company.alias)
})
await step('alive', () => connect('', '').checkServerLiveness())
await step('ready', () => boss.checkServerReadiness())
await step('echo', () => connect('', '').checkServerEcho({ payload: 'Å; &=' }))

// Adding and finding

const user = await step('add', async () => whole(await boss.addUser(added), 'etag', 'location'))
await step('alias taken', () => boss.addUser({ ...added, alias: 'Asa.Oberg' }))
await step('no name', () => boss.addUser({ ...added, name: null, alias: 'other' }))
await step('unknown member', () => boss.addUser({ ...added, alias: 'other', shoes: 2 }))
await step('unknown role', () => boss.addUser({ ...added, alias: 'other', roles: [999] }))
await step('get', async () => whole(await boss.getUser(user.id), 'etag'))
await step('get what is known', () => boss.ifNoneMatch(user['@etag']).getUser(user.id))
const aliases = async (...parameters) => (await boss.listUsers(...parameters)).map((each) => each.alias)
await step('find by alias', () => aliases(query`alias=${'asa.oberg'}`, '-name', 0, -1, false))
await step('find by name', () => aliases(query`name="${'Åsa Öberg'}"`, '', 0, 10, false, 'sv'))
await step('find by much', () => aliases('system-roles:cashier AND created>"2024-05-01T00:00:00.000Z" NOT id=1'))
await step('find nobody', () => aliases(query`alias=${'nobody" OR name:"a'}`))
await step('find by time', () => aliases(query`created="${user.created}"`))
await step('find what is newer', () => aliases(query`updated>"${user.updated}"`))
await step('two by two', () => aliases('', 'alias', 0, 1))
await step('filter by key', () => boss.listUsers('pin=x'))
await step('bad filter', () => boss.listUsers('alias=('))
await step('bad order', () => boss.listUsers('', 'shoes'))

// Changing, with and without the entity tag

const later = (await boss.getUser(user.id)).updated
const change = { name: 'Åsa', 'system-roles': null, 'identity-number': null, '_acme-shoe-size': null }
await step('change', async () => whole(await boss.ifMatch(user['@etag']).updateUser(user.id, change), 'etag'))
await step('change as it was', () => boss.ifMatch(user['@etag']).updateUser(user.id, { name: 'x' }))
await step('replace as it was', () => boss.ifMatch(user['@etag']).putUser(user.id, added))
await step('remove as it was', () => boss.ifMatch(user['@etag']).removeUser(user.id))
await step('at once', async () => {
  const { '@etag': tag } = await boss.getUser(user.id)
  const others = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => boss.ifMatch(tag).updateUser(user.id, { tags: [name] }))
  return (await Promise.allSettled(others)).map(({ value, reason }) => Number(value?.['@'] ?? reason.status)).sort()
})
await step('null name', () => boss.updateUser(user.id, { name: null }))
await step('send back', async () => {
  const known = await boss.getUser(user.id)
  return boss.ifMatch(known['@etag']).putUser(user.id, known)
})
const replacement = { name: 'Åsa Ö', alias: 'asa.o', email: 'new@example.org', pin: 'AA==', password: 'AA==' }
await step('replace', async () => whole(await boss.putUser(user.id, replacement), 'etag'))

// Deleting, and what was

await step('remove', async () => {
  const answer = await boss.removeUser(user.id)
  return { status: answer['@'], type: answer['@content-type'] ?? null }
})
await step('remove again', async () => (await boss.removeUser(user.id))['@'])
await step('list without', () => aliases('', 'alias'))
await step('list with', async () => (await boss.listUsers(query`id:${user.id}`, '', 0, -1, true)).map(({ id, deleted }) => ({ id, deleted })))
await step('get deleted', () => boss.getUser(user.id))
await step('change deleted', () => boss.updateUser(user.id, { name: 'x' }))
await step('replace deleted', () => boss.putUser(user.id, replacement))
await step('restore', () => boss.updateUser(user.id, { deleted: null }))
await step('at a moment', () => boss.at(later).getUser(user.id))
await step('before its time', () => boss.at('2020-01-01').getUser(user.id))
await step('revisions', () => boss.inspectUser(user.id, { type: 'revisions' }))

// What is not there, and whom nobody knows

await step('nobody', () => boss.getUser(2 ** 40))
await step('wrong key', () => boss.forRealm(REALM, ID, key('wrong')).listUsers())
await step('unknown id', () => boss.forRealm(REALM, 'key:nobody+none@nowhere', KEY).listUsers())
await step('no key', () => connect('', '').listUsers())
await step('foreign realm', () => boss.forRealm(OTHER_REALM).listUsers())
await step('no realm', () => boss.forRealm('nowhere').listUsers())

// What a browser sent

await step('wire', () => wire)

process.exit() // the SDK for the web waits for five seconds after each request
