// Who found the places shown: some geocoders' terms ask for a visible link beside their points.
import { useQuery } from '@tanstack/react-query'
import { json } from '../api'
import { useWords } from '../i18n'
import { useShared } from './state'

const OSM = { name: '© OpenStreetMap contributors', href: 'https://www.openstreetmap.org/copyright' }
const LINKS: Record<string, { name: string; href: string }[]> = {
  locationiq: [{ name: 'Search by LocationIQ.com', href: 'https://locationiq.com' }, OSM],
  opencage: [{ name: 'OpenCage', href: 'https://opencagedata.com' }, OSM],
  nominatim: [OSM],
  photon: [OSM],
}

export function linksOf(geocoders: readonly string[]): { name: string; href: string }[] {
  return [...new Set(geocoders.flatMap((name) => LINKS[name] ?? []))]
}

export function Credits() {
  const { live } = useShared()
  const { t } = useWords()
  const { data } = useQuery({
    queryKey: ['credits', live.rev],
    staleTime: Infinity,
    queryFn: ({ signal }) => json<{ geocoders: string[] }>('/api/credits', { signal }),
  })
  const links = linksOf(data?.geocoders ?? [])
  if (links.length === 0) return null
  return (
    <p className="credit places">
      {t('map.places')}{' '}
      {links.map(({ name, href }, i) => <span key={href}>{i > 0 && ' · '}<a href={href} target="_blank" rel="noopener noreferrer">{name}</a></span>)}
    </p>
  )
}
