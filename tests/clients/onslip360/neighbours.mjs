// What people are given, and what they sign with: roles, labels, tills, access tokens, passwords and PINs.

import { createHmac } from 'node:crypto'
import { step } from './steps.mjs'
import { boss, connect, key, whole } from './connect.mjs'

const { REALM } = process.env
const PASSWORD = key('a key made of a password')
const PIN = key('a key made of a PIN')
const DEVICE = key('a key made on the device')
const info = (api) => api.getClientInfo()
const alias = async (api) => (await info(api)).user.alias

/** The key of a request that a device signs together with somebody. */
const joint = (device, own) =>
  createHmac('sha256', Buffer.from(device, 'base64')).update('roster.joint.1\n').update(Buffer.from(own, 'base64')).digest('base64')

const chief = (await info(boss)).user
const asa = await boss.addUser({
  name: 'Asa', alias: 'asa', email: 'asa@example.org', pin: PIN, password: PASSWORD, 'system-roles': ['cashier'],
})

// Roles

const role = await step('add role', async () => whole(await boss.addRole({
  name: 'Labeller', permissions: ['show-labels', 'edit-labels', 'use-access-tokens'], '_acme-floor': '2',
}), 'etag'))
await step('role taken', () => boss.addRole({ name: 'Labeller' }))
await step('change role', () => boss.ifMatch(role['@etag']).updateRole(role.id, { name: 'Head of labels' }))
await step('change role as it was', () => boss.ifMatch(role['@etag']).updateRole(role.id, { name: 'x' }))
await step('find role', () => boss.listRoles('name:labels', 'name'))
await step('give role', () => boss.updateUser(asa.id, { roles: [role.id] }))
await step('who has it', async () => (await boss.listUsers(`roles:${role.id}`)).map((user) => user.id))
const passing = await boss.addRole({ name: 'Passing', permissions: ['show-tills'] })
await step('replace role', () => boss.putRole(passing.id, { name: 'Passing on', permissions: [] }))
await step('remove role', async () => (await boss.removeRole(passing.id))['@'])
await step('get removed role', () => boss.getRole(passing.id))

// Labels in categories

const category = await step('add category', () => boss.addLabelCategory({ name: 'Shops', resources: ['users'] }))
const label = await step('add label', async () =>
  whole(await boss.addLabel({ name: 'North', 'label-category': category.id, '_acme-colour': 'red' }), 'etag'))
await step('label without category', () => boss.addLabel({ name: 'South', 'label-category': 999 }))
await step('change category', () => boss.updateLabelCategory(category.id, { name: 'All shops', resources: null }))
await step('change label', () => boss.ifMatch(label['@etag']).updateLabel(label.id, { name: 'Far north' }))
await step('change label as it was', () => boss.ifMatch(label['@etag']).updateLabel(label.id, { name: 'x' }))
await step('labels of category', async () =>
  (await boss.listLabels(`label-category:${category.id}`)).map((each) => each.name))
await step('categories', async () => (await boss.listLabelCategories()).map((each) => each.name))
await step('attach label', () => boss.updateUser(asa.id, { labels: [label.id] }))
await step('attach unknown label', () => boss.updateUser(asa.id, { labels: [999] }))
await step('who is labelled', async () => (await boss.listUsers(`labels:${label.id}`)).map((user) => user.id))

// Access tokens

const mine = await step('add token', async () => whole(await boss.addAccessToken(asa.id, {
  type: 'hawk-key', name: 'Nightly', alias: 'nightly', permissions: ['show-users', 'edit-users'], '_acme-host': 'a1',
}), 'etag'))
const nightly = `key:asa+nightly@${REALM}`
await step('sign with token', () => info(connect(nightly, mine.key)))
await step('more than it may', () => connect(nightly, mine.key).addUser({ name: 'x', alias: 'x', email: '' }))
const anew = await step('regenerate token', () => boss.regenerateAccessToken(asa.id, mine.id, {}))
await step('sign with the key before', () => info(connect(nightly, mine.key)))
await step('sign with the new key', () => alias(connect(nightly, anew.key)))
await step('get token', async () => whole(await boss.getAccessToken(asa.id, mine.id), 'etag'))
await step('change token', () => boss.updateAccessToken(asa.id, mine.id, { name: 'Every night' }))
await step('replace token', () => boss.putAccessToken(asa.id, mine.id, { type: 'hawk-key', name: 'All', alias: 'all' }))
await step('sign under its new name', () => info(connect(`key:asa+all@${REALM}`, anew.key)))
await step('tokens', async () => (await boss.listAccessTokens(asa.id)).map(({ alias, key }) => ({ alias, key })))
await step('alias taken', () => boss.addAccessToken(asa.id, { type: 'hawk-key', name: 'All', alias: 'all' }))
await step('of another kind', () => boss.addAccessToken(asa.id, { type: 'pkcs12', name: 'P', alias: 'p' }))

// What a user does alone: the password signs, and makes a token of their own

const self = connect(`usr:asa@${REALM}`, PASSWORD)
await step('sign with password', () => info(self))
await step('wrong password', () => info(connect(`usr:asa@${REALM}`, key('a guess'))))
const own = await step('own token', () => self.addAccessToken(asa.id, { type: 'hawk-key', name: 'Own', alias: 'own' }))
const asOwn = connect(`key:asa+own@${REALM}`, own?.key ?? '')
await step('own name', () => asOwn.updateUser(asa.id, { name: 'Asa herself' }))
const reading = await boss.addAccessToken(asa.id, {
  type: 'hawk-key', name: 'Reading', alias: 'reading', permissions: ['show-users'],
})
await step('own address by a limited token', () =>
  connect(`key:asa+reading@${REALM}`, reading.key).updateUser(asa.id, { email: 'self@example.org' }))
await step('own address by password', () => self.updateUser(asa.id, { email: 'self@example.org' }))
await step('own roles', () => asOwn.updateUser(asa.id, { 'system-roles': ['admin'] }))
await step('own label', () => asOwn.addLabel({ name: 'East', 'label-category': category.id }))
await step('own permissions', () => asOwn.updateRole(role.id, { permissions: ['edit-users'] }))
await step('token of somebody else', () => asOwn.listAccessTokens(chief.id))
await step('remove token', async () => (await boss.removeAccessToken(asa.id, mine.id))['@'])
await step('sign with the removed', () => info(connect(`key:asa+all@${REALM}`, anew.key)))

// Tills, and PINs on them

const till = await step('add till', async () => whole(await boss.addTill({
  name: 'Till 1', type: 'till', 'device-id': 'till-1', 'device-key': DEVICE, config: { width: 42 }, '_acme-desk': 'north',
}), 'etag'))
await step('change till', () => boss.ifMatch(till['@etag']).updateTill(till.id, { description: 'By the door' }))
await step('change till as it was', () => boss.ifMatch(till['@etag']).updateTill(till.id, { name: 'x' }))
await step('tills', async () => (await boss.listTills('type=till', '-name')).map((each) => each.name))
const atTill = `pin:asa@${REALM} dev:till-1@${REALM}`
await step('PIN on the till', () => info(connect(atTill, joint(DEVICE, PIN))))
await step('PIN alone', () => info(connect(`pin:asa@${REALM}`, PIN)))
await step('wrong PIN', () => info(connect(atTill, joint(DEVICE, key('0000')))))
await step('till alone', () => info(connect(`dev:till-1@${REALM}`, DEVICE)))
await step('changed from the till', () => connect(atTill, joint(DEVICE, PIN)).updateUser(asa.id, { name: 'Asa at till 1' }))
await step('reset PIN', () => asOwn.pinReset({ pin: key('a new PIN') }))
await step('the PIN before', () => alias(connect(atTill, joint(DEVICE, PIN))))
await step('the new PIN', () => alias(connect(atTill, joint(DEVICE, key('a new PIN')))))
const spare = await boss.addTill({ name: 'Till 2' })
await step('replace till', () => boss.putTill(spare.id, { name: 'Till two', description: 'in the store' }))
await step('remove till', async () => (await boss.removeTill(spare.id))['@'])

// In the name of another, and passwords that were lost

await step('as another', () => info(boss.possess('asa', REALM)))
await step('label as another', () => boss.possess('asa', REALM).addLabel({ name: 'West', 'label-category': category.id }))
await step('more than the other may', () => boss.possess('asa', REALM).removeUser(asa.id))
await step('PIN as another', () => boss.possess('asa', REALM).pinReset({ pin: key('whose?') }))
await step('as nobody', () => info(boss.possess('nobody', REALM)))
await step('as the boss', () => info(asOwn.possess('boss', REALM)))
const open = connect('', '')
await step('lost password', async () => (await open.passwordResetChallenge({ company: REALM, user: 'asa', locale: 'sv' }))['@'])
await step('lost by nobody', async () => (await open.passwordResetChallenge({ company: REALM, user: 'nobody' }))['@'])

// Whoever is deleted signs nothing

await step('remove label', async () => (await boss.removeLabel(label.id))['@'])
await step('category in use', () => boss.removeLabelCategory(category.id))
await step('remove category', async () => {
  for (const { id } of await boss.listLabels()) await boss.removeLabel(id)
  return (await boss.removeLabelCategory(category.id))['@']
})
await step('remove user', async () => (await boss.removeUser(asa.id))['@'])
await step('token of the removed', () => alias(asOwn))
await step('password of the removed', () => alias(self))
await step('PIN of the removed', () => alias(connect(atTill, joint(DEVICE, key('a new PIN')))))

process.exit() // the SDK for the web waits for five seconds after each request
