// A chart over days, with the same numbers as a table beneath it; days without data are hatched, never 0.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef } from 'react'
import { useWords } from '../i18n'
import { useShared } from './state'

export interface Line {
  name: string
  colour: string
  values: (number | null)[]
  // points: hollow and without a line; stack: bars that stand on each other; told: in the table alone.
  kind: 'line' | 'dashed' | 'thin' | 'bars' | 'points' | 'stack' | 'told'
}

interface Props {
  label: string
  days: number[]
  lines: Line[]
  // Days of which nothing is known.
  missing: boolean[]
  unit?: string
  digits?: number
  height?: number
}

const HEIGHT = 220
const HALF_DAY = 43_200_000

export function Chart({ label, days, lines, missing, unit = '', digits = 0, height = HEIGHT }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLParagraphElement>(null)
  const { dark } = useShared()
  const { t, day, number } = useWords()
  useEffect(() => {
    const element = box.current
    if (element === null || days.length === 0) return
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string): string => (name.startsWith('--') ? style.getPropertyValue(name).trim() : name)
    const { drawn, data } = stacked(lines)
    const step = days.length > 1 ? (days[1] ?? 0) - (days[0] ?? 0) : 2 * HALF_DAY
    const tell = (i: number | null | undefined): void => {
      if (readout.current === null) return
      readout.current.textContent = i === null || i === undefined ? '' : [
        day(days[i] ?? 0),
        ...(missing[i] ? [t('trends.missing')] : []),
        ...lines.flatMap(({ name, values }) => (values[i] == null ? [] : [`${name} ${number(values[i], digits)}`])),
      ].join(' · ')
    }
    const bars = drawn.filter(({ kind }) => kind === 'bars').length
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: {
          x: { time: false, range: (_plot, min, max) => [min - step / 2, max + step / 2] },
          y: { range: (_plot, _min, max) => [0, Math.max(max, 1) * 1.1] },
        },
        axes: [
          { stroke: colour('--soft'), grid: { show: false }, ticks: { stroke: colour('--line'), size: 5 }, size: 30, splits: () => ticks(days, element.clientWidth), values: (_plot, at) => at.map((value) => day(value).replace(/^\S+ /, '')), font: '11px system-ui' },
          { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 0.6 }, ticks: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000], values: (_plot, at) => at.map((value) => number(value, digits) + unit), font: '11px system-ui' },
        ],
        series: [{}, ...drawn.map((line, i): uPlot.Series => seriesOf(line, i, bars, colour))],
        hooks: {
          drawClear: [(plot_) => { hatch(plot_, days, missing, step, colour('--hatch')) }],
          setCursor: [(plot_) => { tell(plot_.cursor.idx) }],
        },
      },
      [days, ...data],
      element,
    )
    const resized = new ResizeObserver(() => { plot.setSize({ width: element.clientWidth, height }) })
    resized.observe(element)
    return () => {
      resized.disconnect()
      plot.destroy()
    }
  }, [days, lines, missing, dark, t, day, number, unit, digits, height])
  return (
    <figure>
      <div className="chart" ref={box} role="img" aria-label={label} style={{ height: height + 2 }} />
      <p className="readout" ref={readout} aria-hidden="true" />
      <details className="table">
        <summary>{t('trends.table')}</summary>
        <div className="scroll" tabIndex={0} role="group">
          <table>
            <thead><tr><th>{t('trends.day')}</th>{lines.map(({ name }) => <th key={name} className="number">{name}</th>)}</tr></thead>
            <tbody>
              {days.map((at, i) => (
                <tr key={at}>
                  <td>{day(at)}</td>
                  {lines.map(({ name, kind, values }) => {
                    const value = values[i]
                    return <td key={name} className="number">{value === null || value === undefined ? (missing[i] ? t('trends.missing') : '') : number(value, digits) + (kind === 'told' ? '' : unit)}</td>
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  )
}

// What uPlot draws: of a stack the tallest first, each standing on the sum of those before it.
export function stacked(lines: readonly Line[]): { drawn: Line[]; data: (number | null)[][] } {
  const sums: (number | null)[] = []
  const piled = lines.filter(({ kind }) => kind === 'stack').map((line) => ({
    line,
    values: line.values.map((value, i) => {
      sums[i] = value === null ? sums[i] ?? null : (sums[i] ?? 0) + value
      return sums[i]
    }),
  })).reverse()
  const others = lines.filter(({ kind }) => kind !== 'stack' && kind !== 'told')
  return {
    drawn: [...piled.map(({ line }) => line), ...others],
    data: [...piled.map(({ values }) => values), ...others.map(({ values }) => values)],
  }
}

// Days under the axis: as many as can be read.
function ticks(days: number[], width: number): number[] {
  const every = Math.max(1, Math.ceil(days.length / Math.max(2, Math.floor(width / 90))))
  return days.filter((_, i) => (days.length - 1 - i) % every === 0)
}

function seriesOf(line: Line, index: number, bars: number, colour: (name: string) => string): uPlot.Series {
  const own = colour(line.colour)
  const usual: uPlot.Series = { label: line.name, stroke: own, width: 2, spanGaps: false, points: { show: true, size: 5, fill: own } }
  switch (line.kind) {
    case 'thin': return { ...usual, width: 1, points: { show: true, size: 3, fill: own } }
    case 'dashed': return { ...usual, dash: [6, 5], points: { show: false } }
    case 'points': return { ...usual, width: 0, points: { show: true, size: 8, width: 1.5, stroke: own, fill: colour('--surface') } }
    case 'stack': return barsOf(usual, own, 0, 0.84)
    case 'bars': return barsOf(usual, own, bars === 1 ? 0 : index === 0 ? -1 : 1, 0.8 / bars)
    default: return usual
  }
}

function barsOf(usual: uPlot.Series, fill: string, align: -1 | 0 | 1, share: number): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [share, 30], align })
  return { ...usual, fill, width: 0, points: { show: false }, ...(paths ? { paths } : {}) }
}

function hatch(plot: uPlot, days: number[], missing: boolean[], step: number, colour: string): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.beginPath()
  days.forEach((at, i) => {
    if (!missing[i]) return
    const left = Math.max(bbox.left, plot.valToPos(at - step / 2, 'x', true))
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(at + step / 2, 'x', true))
    ctx.rect(left, bbox.top, right - left, bbox.height)
  })
  ctx.clip()
  ctx.beginPath()
  for (let x = bbox.left - bbox.height; x < bbox.left + bbox.width; x += 9) {
    ctx.moveTo(x, bbox.top + bbox.height)
    ctx.lineTo(x + bbox.height, bbox.top)
  }
  ctx.strokeStyle = colour
  ctx.lineWidth = 1.5
  ctx.stroke()
  ctx.restore()
}
