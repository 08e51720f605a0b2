// The labels of the offline map: the same reviewed places that geocoding uses.
import source from '../../../fleettickets/geocode/gazetteer.csv?raw'

export interface Place {
  name: string
  kind: string
  point: [number, number]
  radiusKm: number
}

export function places(csv: string = source): Place[] {
  const [header = '', ...lines] = csv.split(/\r?\n/).filter((line) => line !== '')
  const names = cells(header)
  const column = (line: string[], name: string): string => line[names.indexOf(name)] ?? ''
  return lines.map(cells).map((line) => ({
    name: column(line, 'name'),
    kind: column(line, 'kind'),
    point: [Number(column(line, 'lon')), Number(column(line, 'lat'))],
    radiusKm: Number(column(line, 'radius_km')),
  }))
}

function cells(line: string): string[] {
  return [...line.matchAll(/("((?:[^"]|"")*)"|[^,]*)(?:,|$)/g)]
    .map((match) => match[2]?.replaceAll('""', '"') ?? match[1] ?? '')
    .slice(0, line.endsWith(',') ? undefined : -1)
}
