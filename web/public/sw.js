// Keeps the app and its last answers, so that a phone without a network shows the last data instead of nothing.
// The tickets themselves are kept by the page, which knows what each delta made of them.
const SHELL = 'fleettickets-shell'
const ANSWERS = 'fleettickets-answers'
const KEPT_ANSWERS = /^\/(api\/(config|backlog|teams|quality|runs|outages)|webhook\/inc-dashboard)$/
const PAGES = /^\/(board|trends|teams|review|quality|runs)?$/

self.addEventListener('install', (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim())
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (request.mode === 'navigate' && PAGES.test(url.pathname)) event.respondWith(page(request))
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request))
  else if (KEPT_ANSWERS.test(url.pathname)) event.respondWith(answer(request))
})

// Every file of this build, and none of an earlier one.
async function keepShell() {
  const cache = await caches.open(SHELL)
  const names = await (await fetch('/shell.json', { cache: 'no-store' })).json()
  await cache.addAll(names)
  const wanted = new Set(names.map((name) => new URL(name, location.origin).href))
  for (const request of await cache.keys()) if (!wanted.has(request.url)) await cache.delete(request)
}

async function page(request) {
  try {
    const response = await fetch(request)
    if (response.ok) await (await caches.open(SHELL)).put('/', response.clone())
    return response
  } catch {
    return (await caches.match('/')) ?? Response.error()
  }
}

// Names carry the hash of their content: what is kept is right.
async function asset(request) {
  return (await caches.match(request)) ?? fetch(request)
}

async function answer(request) {
  const cache = await caches.open(ANSWERS)
  try {
    const response = await fetch(request)
    if (response.ok) await cache.put(request, response.clone())
    return response
  } catch (error) {
    const kept = (await cache.match(request)) ?? (await cache.match(request, { ignoreSearch: true }))
    if (kept === undefined) throw error
    return kept
  }
}
