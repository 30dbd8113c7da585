// The SDK renews five seconds before a token ends, so with tokens that last no longer it renews on every call.

import { step } from './steps.mjs'
import { connect } from './connect.mjs'

const { USERNAME, PASSWORD } = process.env
const me = 'users/me/effectivepermissions'

const client = connect(USERNAME, PASSWORD)
await step('first', () => client.get(me))
await step('second', () => client.get(me))
await step('third', () => client.get(me))

// It does not wait for a renewal that is under way, but begins another with the same renewal token.
await step('many at once', () => Promise.all(Array.from({ length: 4 }, () => client.get(me))))
await step('after many at once', () => client.get(me))

const other = connect(USERNAME, PASSWORD)
await step('another', () => other.get(me))
await step('new password', () => client.post('users/me/actions', {
  action: 'ModifyCredentials', currentPassword: PASSWORD, password: 'cedar-Rocket-77',
}))
await step('another after that', () => other.get(me))
await step('signed in anew', () => connect(USERNAME, 'cedar-Rocket-77').get(me))
