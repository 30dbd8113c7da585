// Lists that are longer than one answer.

import { step } from './steps.mjs'
import { boss } from './connect.mjs'

const aliases = (users) => users.map((user) => user.alias)
const told = []

await step('everybody', async () => aliases(await boss.onProgress((...progress) => told.push(progress)).listUsers()))
await step('progress', () => told)
await step('backwards', async () => aliases(await boss.listUsers('', '-alias', 0, -1, false)))
await step('from the middle', async () => aliases(await boss.listUsers('', 'alias', 50, 1020, false)))
await step('a few', async () => aliases(await boss.listUsers('alias:person-10', 'alias', 5, 3)))
