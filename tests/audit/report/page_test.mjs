// SPDX-License-Identifier: Apache-2.0
// Opens reports in headless Chromium: axe-core finds nothing serious, everything is reached by keyboard, nothing is fetched,
// nothing is wider than a phone, and light, dark and paper each have a picture.
//   node page_test.mjs CHROMIUM AXE_FOLDER OUTPUT_FOLDER PAGE.html...
// No driver is needed: Chromium is spoken to over its debugging pipe (one JSON message after the other, a NUL behind each).
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

const [chromium, axeFolder, output, ...pages] = process.argv.slice(2);
const axe = readFileSync(join(axeFolder, 'axe.min.js'), 'utf8');
const profile = mkdtempSync(join(tmpdir(), 'cg-page-'));
const browser = spawn(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
  { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
let number = 0, rest = '';
const waiting = new Map(), listeners = [];
browser.stdio[4].setEncoding('utf8');
browser.stdio[4].on('data', (text) => {
  rest += text;
  for (let end; (end = rest.indexOf('\0')) >= 0; rest = rest.slice(end + 1)) {
    const message = JSON.parse(rest.slice(0, end));
    if (message.id) { const { yes, no } = waiting.get(message.id); waiting.delete(message.id); message.error ? no(new Error(message.error.message)) : yes(message.result); }
    else for (const listener of listeners) listener(message);
  }
});
const send = (method, params = {}, sessionId) => new Promise((yes, no) => {
  const id = ++number;
  waiting.set(id, { yes, no });
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
});
const failures = [];
const check = (good, what) => { if (!good) failures.push(what); };

async function look(page) {
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const ask = (method, params) => send(method, params, sessionId);
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  const requests = [];
  let loaded;
  const whenLoaded = new Promise((yes) => { loaded = yes; });
  listeners.push((message) => {
    if (message.sessionId !== sessionId) return;
    if (message.method === 'Network.requestWillBeSent') requests.push(message.params.request.url);
    if (message.method === 'Page.loadEventFired') loaded();
  });
  await ask('Page.enable');
  await ask('Network.enable');
  const url = 'file://' + resolve(page);
  await ask('Emulation.setDeviceMetricsOverride', { width: 1100, height: 900, deviceScaleFactor: 1, mobile: false });
  await ask('Page.navigate', { url });
  await whenLoaded;
  const name = basename(page, '.html');
  check(requests.every((each) => each === url), `${name}: it fetched ${requests.filter((each) => each !== url)}`);
  check(await evaluate('document.scripts.length') === 0, `${name}: it has a script`);

  for (const scheme of ['light', 'dark']) {
    await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await evaluate(axe + ';0');  // the debugger may run what the page itself must not
    const found = await evaluate('axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v => ({id: v.id, impact: v.impact, at: v.nodes.slice(0, 3).map(n => n.target.join(" "))})))');
    const serious = found.filter((each) => each.impact === 'serious' || each.impact === 'critical');
    check(serious.length === 0, `${name}, ${scheme}: axe finds ${JSON.stringify(serious)}`);
    console.log(`${name}, ${scheme}: axe-core: ${serious.length} serious, ${found.length - serious.length} other findings`);
    const shot = await ask('Page.captureScreenshot', { format: 'png' });
    writeFileSync(join(output, `${name}-${scheme}.png`), Buffer.from(shot.data, 'base64'));
  }

  // By keyboard alone: the first stop leads past everything, and each link and each wide table has its turn, with a visible ring.
  await evaluate('document.activeElement.blur(); window.scrollTo(0, 0)');
  const wanted = await evaluate('document.querySelectorAll("a[href], [tabindex=\\"0\\"]").length');
  const reached = new Set();
  const stops = Math.min(wanted, 25);
  for (let i = 0; i < stops; ++i) {
    for (const type of ['keyDown', 'keyUp']) await ask('Input.dispatchKeyEvent', { type, key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 });
    const stop = await evaluate('(() => { const e = document.activeElement; const s = getComputedStyle(e); return {at: [...document.querySelectorAll("a[href], [tabindex=\\"0\\"]")].indexOf(e), skip: e.className === "skip", ring: s.outlineStyle !== "none", seen: e.getBoundingClientRect().left >= -1}; })()');
    if (i === 0) check(stop.skip && stop.seen, `${name}: the first stop is not the way past the head`);
    check(stop.ring, `${name}: stop ${i} shows no ring`);
    reached.add(stop.at);
  }
  check(reached.size === stops && !reached.has(-1), `${name}: by keyboard ${reached.size} of ${stops} are reached`);
  if (await evaluate('!!document.querySelector("nav a")')) {
    await evaluate('document.querySelector("nav a").focus()');
    for (const type of ['keyDown', 'keyUp']) await ask('Input.dispatchKeyEvent', { type, key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: type === 'keyDown' ? '\r' : undefined });
    check(await evaluate('location.hash') === '#s0', `${name}: Enter does not follow the link`);
  }

  await ask('Emulation.setDeviceMetricsOverride', { width: 360, height: 740, deviceScaleFactor: 2, mobile: true });
  await ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'light' }] });
  const wide = await evaluate('document.documentElement.scrollWidth');
  check(wide <= 360, `${name}: on a phone it is ${wide} wide`);
  await evaluate('window.scrollTo(0, 0)');
  writeFileSync(join(output, `${name}-phone.png`), Buffer.from((await ask('Page.captureScreenshot', { format: 'png' })).data, 'base64'));
  const paper = await ask('Page.printToPDF', { preferCSSPageSize: true });
  check(Buffer.from(paper.data, 'base64').subarray(0, 5).toString() === '%PDF-', `${name}: it cannot be printed`);
  await send('Target.closeTarget', { targetId });
}

let status = 0;
try {
  for (const page of pages) await look(page);
} catch (error) {
  failures.push(String(error.stack ?? error));
}
for (const failure of failures) { console.error('FAILED ' + failure); status = 1; }
browser.once('exit', () => { rmSync(profile, { recursive: true, force: true }); process.exit(status); });
await send('Browser.close').catch(() => browser.kill());
