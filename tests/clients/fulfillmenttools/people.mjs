// An administrator drives roles and people; somebody they made changes their own password, and is deleted.

import { step } from './steps.mjs'
import { connect, renew } from './connect.mjs'

const { USERNAME, PASSWORD } = process.env
const NEW_PASSWORD = 'cedar-Rocket-77'
const FACILITY = 'fac-muc-01'

const person = (username, lastname) => ({
  username, firstname: 'Mira', lastname, password: 'pine-Lantern-42', locale: 'en_US',
  assignedRoles: [{ ref: 'STOCK_COUNTER', context: [{ type: 'FACILITY', values: [FACILITY] }] }],
})

// Signing in, and who one is

const admin = connect(USERNAME, PASSWORD)
await step('wrong password', () => connect(USERNAME, 'not-the-password').getToken())
await step('own permissions', () => admin.get('users/me/effectivepermissions'))

// Roles

const role = {
  name: 'STOCK_COUNTER', displayName: 'Stock counter',
  permissions: ['CURRENT_USER_READ', 'CURRENT_USER_MODIFY', 'STOCK_READ'],
  context: [{ type: 'FACILITY', values: [FACILITY, 'fac-ber-02'] }],
}
const made = await step('create role', () => admin.post('roles', role))
await step('create role again', () => admin.post('roles', role))
await step('roles', () => admin.get('roles'))
await step('patch role', () => admin.patch('roles/STOCK_COUNTER', {
  name: role.name, version: made.version, description: 'Counts & compares',
}))
await step('put stale role', () => admin.put('roles/STOCK_COUNTER', { ...role, version: made.version }))
await step('search roles', () => admin.post('roles/search', {
  query: { displayName: { like: '^stock' } }, options: { withTotal: true },
}))
await step('permissions', () => admin.get('permissions', { group: 'USER_MANAGEMENT', size: 3 }))

// People

const user = await step('create user', () => admin.post('users', person('mokafor', 'Okafor')))
for (const [username, lastname] of [['aberg', 'Berg'], ['cdiaz', 'Diaz'], ['eferro', 'Ferro'], ['gholm', 'Holm']]) {
  await step(`create ${username}`, () => admin.post('users', person(username, lastname)))
}
const page = await step('list', () => admin.get('users', { size: 4 }))
await step('list on', () => admin.get('users', { size: 4, startAfterId: page.users.at(-1).id }))

// Searching in both directions

const search = { query: { firstname: { eq: 'Mira' } }, sort: [{ lastname: 'ASC' }] }
const forward = async () => {
  const pages = []
  let after
  do {
    pages.push(await admin.post('users/search', { ...search, size: 2, after, options: { withTotal: true } }))
    after = pages.at(-1).pageInfo.endCursor
  } while (pages.at(-1).pageInfo.hasNextPage)
  return pages
}
const pages = await step('search forward', forward)
const backward = async () => {
  const pages_back = []
  let before = pages.at(-1).pageInfo.startCursor
  do {
    pages_back.push(await admin.post('users/search', { ...search, last: 2, before }))
    before = pages_back.at(-1).pageInfo.startCursor
  } while (pages_back.at(-1).pageInfo.hasPreviousPage)
  return pages_back
}
await step('search backward', backward)
await step('both directions', () => admin.post('users/search', { ...search, size: 2, last: 2 }))

// Versions

const change = (version, lastname) =>
  admin.patch(`users/${user.id}`, { version, actions: [{ action: 'ModifyUser', lastname }] })
await step('change', () => change(user.version, 'Okafor-Lind'))
await step('stale change', () => change(user.version, 'Nobody'))
await step('after the stale change', () => admin.get(`users/${user.id}`))

// The person's own password

const mira = connect(user.username, 'pine-Lantern-42')
await step('own data', () => mira.post('users/me/actions', { action: 'ModifyMe', locale: 'fr_FR' }))
await step('what is not theirs', () => mira.get('users'))
const old = mira.authService.refreshToken
await step('own password, wrongly', () => mira.post('users/me/actions', {
  action: 'ModifyCredentials', currentPassword: 'a guess', password: NEW_PASSWORD,
}))
await step('own password', () => mira.post('users/me/actions', {
  action: 'ModifyCredentials', currentPassword: 'pine-Lantern-42', password: NEW_PASSWORD,
}))
await step('renew with the old', () => renew(mira, old))
await step('sign in with the old', () => connect(user.username, 'pine-Lantern-42').getToken())
const again = connect(user.username, NEW_PASSWORD)
await step('sign in with the new', async () => (await again.get('users/me/effectivepermissions')).userId)

// Facilities, and the end

await step('attach facility', () => admin.post(`users/${user.id}/assignedFacilities`, { facilityRef: 'fac-ber-02' }))
await step('reaches', () => admin.get(`users/${user.id}`))
await step('roles of the user', () => admin.get(`users/${user.id}/permissions`))
await step('delete a role in use', () => admin.delete('roles/STOCK_COUNTER'))
await step('delete', async () => (await admin.delete(`users/${user.id}`)) ?? null)
await step('read the deleted', () => admin.get(`users/${user.id}`))
await step('token of the deleted', () => again.get('users/me/effectivepermissions'))
await step('renew as the deleted', () => renew(again, again.authService.refreshToken))
await step('sign in as the deleted', () => connect(user.username, NEW_PASSWORD).getToken())
