// Cells on the earth, small enough that a flat one is true.
import type { Feature, Polygon } from 'geojson'

const M_PER_DEGREE = 111_320

export interface Named {
  name: string
  point: [number, number]
}

// The part of the earth nearer to this point than to any other, within a radius: an outline of a cluster, not its border.
export function cell(of: Named, others: readonly Named[], radiusM: number): Feature<Polygon> {
  const squeeze = Math.cos((of.point[1] * Math.PI) / 180)
  const flat = (p: [number, number]): [number, number] => [(p[0] - of.point[0]) * squeeze * M_PER_DEGREE, (p[1] - of.point[1]) * M_PER_DEGREE]
  let ring: [number, number][] = Array.from({ length: 48 }, (_, i) => [
    radiusM * Math.cos((i / 48) * 2 * Math.PI), radiusM * Math.sin((i / 48) * 2 * Math.PI),
  ])
  for (const other of others) {
    const [x, y] = flat(other.point)
    const far = x * x + y * y
    if (far === 0 || far > 4 * radiusM * radiusM) continue
    ring = nearerSide(ring, x, y, far / 2)
    if (ring.length === 0) break
  }
  const back = ring.map(([x, y]): [number, number] => [of.point[0] + x / (squeeze * M_PER_DEGREE), of.point[1] + y / M_PER_DEGREE])
  return {
    type: 'Feature', properties: { name: of.name },
    geometry: { type: 'Polygon', coordinates: [[...back, ...back.slice(0, 1)]] },
  }
}

// Cuts a convex ring along the line a*x + b*y = c and keeps the side of the origin.
function nearerSide(ring: [number, number][], a: number, b: number, c: number): [number, number][] {
  const kept: [number, number][] = []
  ring.forEach((p, i) => {
    const q = ring[(i + 1) % ring.length] ?? p
    const dp = a * p[0] + b * p[1] - c
    const dq = a * q[0] + b * q[1] - c
    if (dp <= 0) kept.push(p)
    if ((dp < 0 && dq > 0) || (dp > 0 && dq < 0)) {
      const s = dp / (dp - dq)
      kept.push([p[0] + s * (q[0] - p[0]), p[1] + s * (q[1] - p[1])])
    }
  })
  return kept
}
