// An application's set-up of the SDK. `WAY=members` points it at the server by the instance's own members; otherwise
// nothing is said about the server here.

import { AuthService, FftApiClient, HttpClient } from '@fulfillmenttools/fulfillmenttools-sdk-typescript'

const { WAY, SERVER, TENANT, KEY } = process.env

export const http = new HttpClient()

export function connect(username, password) {
  const email = `${username}@${TENANT}.com`
  const client = new FftApiClient(TENANT, email, password, KEY)
  if (WAY === 'members') {
    client.baseUrl = `${SERVER}/fulfillmenttools/${TENANT}/api`
    client.authService = new AuthService({
      authUrl: `${SERVER}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword`,
      refreshUrl: `${SERVER}/securetoken.googleapis.com/v1/token`,
      apiKey: KEY,
      apiUser: email,
      apiPassword: password,
    }, http)
  }
  return client
}

/** Renew with a token as the SDK does, whatever the client itself holds by now. */
export function renew(client, refreshToken) {
  return http.request({
    method: 'POST',
    url: client.authService.authRefreshUrl,
    params: { key: KEY },
    body: { grant_type: 'refresh_token', refresh_token: refreshToken },
  })
}
