// The configured ground: a hosted style, or an archive of tiles (PMTiles) that gets our own quiet style.
import { addProtocol, type StyleSpecification } from 'maplibre-gl'
import type { Protocol } from 'pmtiles'
import { archiveStyle } from './style'

export interface Basemap {
  style: StyleSpecification
  // It brings names of places; else ours are drawn.
  named: boolean
}

const PATIENCE_MS = 8000

// Null where none is configured, or the configured one cannot be reached: then the built-in outlines are the map.
export async function basemapOf(address: string | null, dark: boolean): Promise<Basemap | null> {
  if (address === null) return null
  try {
    return await (/\.pmtiles([?#]|$)/.test(address) ? archive(address, dark) : hosted(address))
  } catch (error) {
    console.warn('basemap:', error)
    return null
  }
}

async function hosted(address: string): Promise<Basemap> {
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) })
  if (!response.ok) throw new Error(`${address} answers ${response.status}`)
  const style = (await response.json()) as StyleSpecification
  if (Object.values(style.sources).some((source) => 'url' in source && source.url.startsWith('pmtiles://'))) protocol ??= await archives()
  return { style: absolute(style, address), named: true }
}

// Addresses in a style count from where it lies, and the style itself is handed over as an object.
function absolute(style: StyleSpecification, address: string): StyleSpecification {
  const from = (path: string): string => (/^[a-z]+:/i.test(path) ? path : decodeURI(new URL(path, address).href))
  const sources = Object.entries(style.sources).map(([name, source]) => [name, {
    ...source,
    ...('url' in source && typeof source.url === 'string' ? { url: from(source.url) } : {}),
    ...('tiles' in source && Array.isArray(source.tiles) ? { tiles: source.tiles.map(from) } : {}),
  }] as const)
  return {
    ...style,
    sources: Object.fromEntries<StyleSpecification['sources'][string]>(sources),
    ...(typeof style.sprite === 'string' ? { sprite: from(style.sprite) } : {}),
    ...(typeof style.glyphs === 'string' ? { glyphs: from(style.glyphs) } : {}),
  }
}

async function archive(address: string, dark: boolean): Promise<Basemap> {
  const plain = address.replace(/^pmtiles:\/\//, '')
  const { PMTiles, TileType } = await import('pmtiles')
  const tiles = new PMTiles(plain)
  const { tileType } = await tiles.getHeader()
  const told = tileType === TileType.Mvt ? ((await tiles.getMetadata()) as { vector_layers?: { id: string }[] }) : null
  protocol ??= await archives()
  protocol.add(tiles)
  return { style: archiveStyle(`pmtiles://${plain}`, told && (told.vector_layers ?? []).map(({ id }) => id), dark), named: false }
}

let protocol: Protocol | undefined

async function archives(): Promise<Protocol> {
  const pmtiles = await import('pmtiles')
  // With its metadata comes who is to be named for the data.
  const made = new pmtiles.Protocol({ metadata: true })
  addProtocol('pmtiles', made.tile)
  return made
}
