// The first calls of an application.

import { step } from './steps.mjs'
import { boss, sdk } from './connect.mjs'

await step('client info', () => boss.getClientInfo())
await step('add', () => boss.addUser({ name: 'Åsa', alias: 'asa', email: 'asa@example.org' }))
await step('find', async () => (await boss.listUsers(sdk.query`alias=${'asa'}`)).map((user) => user.name))
