// A ticket as the map feed tells it: instants, never ages, because ages belong to the reader's clock.
import type { Feature, Geometry } from 'geojson'

export type Dataset = 'inc' | 'crq'
export type GeoSource = 'feed' | 'location' | 'cluster' | 'none'

export interface Ticket {
  key: string
  id: string
  dataset: Dataset
  status: string | null
  rawStatus: string | null
  cluster: string | null
  region: string | null
  location: string | null
  team: string | null
  owner: string | null
  openedAt: number | null
  scheduledAt: number | null
  closedAt: number | null
  riskAt: number | null
  dueAt: number | null
  ageBound: 'exact' | 'at_least' | null
  geoSource: GeoSource
  precision: string | null
  radiusM: number | null
  verified: boolean
  point: [number, number] | null
}

type Properties = Record<string, unknown>

export function ticketOf(feature: Feature<Geometry | null, Properties | null>): Ticket {
  const p = feature.properties ?? {}
  const id = text(p.ticket_id) ?? String(feature.id ?? '')
  const dataset: Dataset = p.dataset === 'crq' ? 'crq' : 'inc'
  const geoSource = (text(p.geo_source) ?? 'none') as GeoSource
  return {
    key: keyOf(dataset, id),
    id,
    dataset,
    status: text(p.status),
    rawStatus: text(p.raw_status),
    cluster: text(p.cluster),
    region: text(p.region),
    location: text(p.location_name),
    team: text(p.assigned_team),
    owner: text(p.owner),
    openedAt: instant(p.opened_at),
    scheduledAt: instant(p.scheduled_at),
    closedAt: instant(p.closed_at),
    riskAt: instant(p.sla_at_risk_at),
    dueAt: instant(p.sla_due_at),
    ageBound: p.age_bound === 'exact' || p.age_bound === 'at_least' ? p.age_bound : null,
    geoSource,
    precision: text(p.geo_precision),
    radiusM: radiusOf(p, geoSource),
    verified: p.geo_verified === true,
    point: feature.geometry?.type === 'Point' ? (feature.geometry.coordinates.slice(0, 2) as [number, number]) : null,
  }
}

export function keyOf(dataset: string, id: string): string {
  return `${dataset}:${id}`
}

// The team that answers for it, and whether the name is the owner's because no team is given.
export function teamOf(ticket: Ticket): string | null {
  return ticket.team ?? ticket.owner
}

// How far the ticket may really lie from its point. What the server says wins; these are what the words mean otherwise.
const RADIUS_M: Record<string, number> = { place: 300, street: 500, near: 500, area: 1000 }
const CLUSTER_M = 2500

function radiusOf(p: Properties, source: GeoSource): number | null {
  if (typeof p.geo_radius_m === 'number') return p.geo_radius_m
  if (source === 'cluster') return CLUSTER_M
  return source === 'location' && p.geo_precision !== 'point' ? (RADIUS_M[String(p.geo_precision)] ?? 300) : null
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

export function instant(value: unknown): number | null {
  if (typeof value !== 'string') return null
  const at = Date.parse(value)
  return Number.isNaN(at) ? null : at
}
