// Loaded before the application: requests to the product's hosts go to the server's paths for them.

const { SERVER, TENANT } = process.env
const PLACES = {
  [`${TENANT}.api.fulfillmenttools.com`]: `${SERVER}/fulfillmenttools/${TENANT}`,
  'identitytoolkit.googleapis.com': `${SERVER}/identitytoolkit.googleapis.com`,
  'securetoken.googleapis.com': `${SERVER}/securetoken.googleapis.com`,
}
const send = globalThis.fetch

globalThis.fetch = (resource, options) => {
  const address = new URL(resource)
  const place = PLACES[address.host]
  if (place === undefined) {
    throw new Error(`nobody is to be asked at ${address.host}`)
  }
  return send(place + address.pathname + address.search, options)
}
