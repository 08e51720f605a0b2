// Which tickets share a mark at a zoom: those that would cover each other. Greedy, most urgent first, on a grid of
// cells as wide as a mark, so that thousands take milliseconds and need no worker.
import { STATES, type SlaState } from '../model/sla'
import type { Ticket } from '../model/ticket'

export interface Shown {
  ticket: Ticket
  state: SlaState
}

export interface Group {
  // Where its tickets lie on average, in web mercator from 0 to 1.
  x: number
  y: number
  members: Shown[]
  counts: Record<SlaState, number>
  // Of every ticket in it only the cluster is known.
  area: boolean
}

export const TILE_PX = 512
const NEAR_PX = 46

export function mercator([lon, lat]: readonly [number, number]): [number, number] {
  const sine = Math.sin((lat * Math.PI) / 180)
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)]
}

// The grouping of a set of tickets; each whole zoom is worked out once, when it is first looked at.
export class Groups {
  #x: Float64Array
  #y: Float64Array
  #shown: Shown[]
  #byZoom = new Map<number, Group[]>()

  constructor(shown: readonly Shown[]) {
    this.#shown = shown.filter(({ ticket }) => ticket.point !== null)
    this.#x = new Float64Array(this.#shown.length)
    this.#y = new Float64Array(this.#shown.length)
    this.#shown.forEach(({ ticket }, i) => {
      if (ticket.point !== null) [this.#x[i], this.#y[i]] = mercator(ticket.point)
    })
  }

  at(zoom: number): readonly Group[] {
    const whole = Math.max(0, Math.floor(zoom))
    let groups = this.#byZoom.get(whole)
    if (groups === undefined) {
      groups = this.#grouped(NEAR_PX / (TILE_PX * 2 ** whole))
      this.#byZoom.set(whole, groups)
    }
    return groups
  }

  #grouped(near: number): Group[] {
    const [x, y] = [this.#x, this.#y]
    const n = x.length
    const column = Int32Array.from(x, (value) => Math.floor(value / near))
    const row = Int32Array.from(y, (value) => Math.floor(value / near))
    const cell = (c: number, r: number): number => c * 0x4000000 + r
    // Each cell is a chain through `next`, the most urgent ticket first; who has a group leaves its chain.
    const head = new Map<number, number>()
    const next = new Int32Array(n)
    for (let i = n - 1; i >= 0; i -= 1) {
      const key = cell(column[i] ?? 0, row[i] ?? 0)
      next[i] = head.get(key) ?? -1
      head.set(key, i)
    }
    const taken = new Uint8Array(n)
    const groups: Group[] = []
    for (let seed = 0; seed < n; seed += 1) {
      if (taken[seed] === 1) continue
      const members: number[] = []
      for (let c = (column[seed] ?? 0) - 1; c <= (column[seed] ?? 0) + 1; c += 1) {
        for (let r = (row[seed] ?? 0) - 1; r <= (row[seed] ?? 0) + 1; r += 1) {
          const key = cell(c, r)
          let before = -1
          for (let i = head.get(key) ?? -1; i !== -1; i = next[i] ?? -1) {
            const [dx, dy] = [(x[i] ?? 0) - (x[seed] ?? 0), (y[i] ?? 0) - (y[seed] ?? 0)]
            if (dx * dx + dy * dy > near * near) {
              before = i
              continue
            }
            taken[i] = 1
            members.push(i)
            if (before === -1) head.set(key, next[i] ?? -1)
            else next[before] = next[i] ?? -1
          }
        }
      }
      groups.push(this.#group(members.sort((a, b) => a - b)))
    }
    return groups
  }

  #group(indices: number[]): Group {
    const counts = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<SlaState, number>
    const group: Group = { x: 0, y: 0, members: [], counts, area: true }
    for (const i of indices) {
      const one = this.#shown[i]
      if (one === undefined) continue
      group.x += (this.#x[i] ?? 0) / indices.length
      group.y += (this.#y[i] ?? 0) / indices.length
      group.members.push(one)
      counts[one.state] += 1
      if (one.ticket.geoSource !== 'cluster') group.area = false
    }
    return group
  }
}
