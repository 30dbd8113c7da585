// Loaded before the application, instead of an entry in the hosts file, which takes root: every host is at FRONT, a port
// of this machine. Names, TLS, certificates and requests are those of an application that nobody has touched.

import tls from 'node:tls'

const { FRONT } = process.env
const DISPATCHER = Symbol.for('undici.globalDispatcher.1')

await fetch('data:,') // Node makes its dispatcher when it is first needed
const Agent = globalThis[DISPATCHER].constructor

globalThis[DISPATCHER] = new Agent({
  connect({ hostname, servername }, done) {
    const socket = tls.connect({ host: '127.0.0.1', port: Number(FRONT), servername: servername ?? hostname })
    socket.once('secureConnect', () => done(null, socket)).once('error', done)
  },
})
