// Somebody who runs all realms, in one that is not theirs.

import { step } from './steps.mjs'
import { boss } from './connect.mjs'

const { OTHER_REALM } = process.env
const there = boss.forRealm(OTHER_REALM)

await step('at home', () => boss.getClientInfo())
await step('there', () => there.getClientInfo())
await step('add', () => there.addUser({ name: 'Asa', alias: 'asa', email: 'asa@example.org' }))
await step('list', async () => (await there.listUsers('', 'alias')).map((user) => user.alias))
await step('as somebody there', () => boss.possess('boss', OTHER_REALM).getClientInfo())
await step('as nobody there', () => boss.possess('nobody', OTHER_REALM).getClientInfo())
