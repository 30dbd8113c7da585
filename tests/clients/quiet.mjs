// The packages log to standard output, which is for steps.

const write = process.stdout.write.bind(process.stdout)

process.stdout.write = (text, ...rest) => (String(text).startsWith('{"step"') ? write(text, ...rest) : true)
