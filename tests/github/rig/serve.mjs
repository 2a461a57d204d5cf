// Runs emulate's GitHub under a clock that the tests set. One JSON command a line on stdin, one answer a line on stdout:
//   {"fresh": seed}  a new, empty GitHub with that seed; answers {"url": …}
//   {"ahead": ms}    from now on the clock is that far ahead of the real one; answers {"ahead": ms}
import { createInterface } from 'node:readline'
import { createEmulator } from 'emulate'

const Real = globalThis.Date
let ahead = 0
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length) super(...given)
    else super(Real.now() + ahead)
  }
  static now() {
    return Real.now() + ahead
  }
}

let running
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  if ('ahead' in command) {
    ahead = command.ahead
    console.log(JSON.stringify({ ahead }))
  } else {
    await running?.close()
    running = await createEmulator({ service: 'github', port: 0, seed: command.fresh })
    console.log(JSON.stringify({ url: running.url }))
  }
}
await running?.close()
