// Somebody who supervises one facility, and what they see and do of the others.

import { step } from './steps.mjs'
import { connect } from './connect.mjs'

const { USERNAME, PASSWORD } = process.env
const HERE = 'fac-muc-01'
const THERE = 'fac-ber-02'

const at = (...values) => [{ type: 'FACILITY', values }]
const person = (username, ref, context) => ({
  username, firstname: 'Mira', lastname: 'Okafor', password: 'pine-Lantern-42', assignedRoles: [{ ref, context }],
})

const admin = connect(USERNAME, PASSWORD)
await admin.post('users', person('super', 'SUPERVISOR', at(HERE)))
const near = await admin.post('users', person('near', 'FULFILLER', at(HERE)))
const far = await admin.post('users', person('far', 'FULFILLER', at(THERE)))

const supervisor = connect('super', 'pine-Lantern-42')
await step('what they may', () => supervisor.get('users/me/effectivepermissions'))
await step('whom they see', () => supervisor.get('users'))
await step('whom they find', () => supervisor.post('users/search', { query: {}, options: { withTotal: true } }))
await step('somebody here', () => supervisor.get(`users/${near.id}`))
await step('somebody elsewhere', () => supervisor.get(`users/${far.id}`))

const change = (user) =>
  supervisor.patch(`users/${user.id}`, { version: 1, actions: [{ action: 'ModifyUser', firstname: 'Mara' }] })
await step('change here', () => change(near))
await step('change elsewhere', () => change(far))

await step('make one', () => supervisor.post('users', person('new', 'FULFILLER')))
await step('make one elsewhere', () => supervisor.post('users', person('new-far', 'FULFILLER', at(THERE))))
await step('make an administrator', () => supervisor.post('users', person('new-boss', 'ADMINISTRATOR')))
await step('send one elsewhere', () => supervisor.post(`users/${near.id}/assignedFacilities`, { facilityRef: THERE }))
await step('make a role', () => supervisor.post('roles', { name: 'MINE', permissions: ['STOCK_READ'] }))
await step('everybody', () => admin.get('users'))
