// Asking the server: JSON in, or a problem a person can read. Nothing is asked anywhere else.
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly id: string | null = null,
  ) {
    super(message)
  }

  // Not reached at all: no network, or the server is down.
  get away(): boolean {
    return this.status === 0
  }
}

export interface Answer<T> {
  status: number
  headers: Headers
  body: T
}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(path, { credentials: 'same-origin', ...init })
  } catch (error) {
    if (error instanceof Problem || (error instanceof DOMException && error.name === 'AbortError')) throw error
    throw new Problem(0, 'away', 'The server cannot be reached')
  }
}

export async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await ask(path, init)
  if (!response.ok) throw await problemOf(response)
  return (await response.json()) as T
}

export async function problemOf(response: Response): Promise<Problem> {
  let told: Record<string, unknown> = {}
  try {
    told = (await response.json()) as Record<string, unknown>
  } catch {
    // A proxy's own page is no problem+json; the status says enough.
  }
  const word = (name: string): string | null => (typeof told[name] === 'string' ? told[name] : null)
  return new Problem(
    response.status,
    word('code') ?? String(response.status),
    word('detail') ?? word('title') ?? `HTTP ${response.status}`,
    word('id'),
  )
}

export function post<T>(path: string, body: unknown): Promise<T> {
  return json<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}
