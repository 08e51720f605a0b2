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
  kind: 'line' | 'dashed' | 'thin' | 'bars'
}

interface Props {
  label: string
  days: number[]
  lines: Line[]
  // Days of which nothing is known, and days known in part.
  missing: boolean[]
  unit?: string
}

export function Chart({ label, days, lines, missing, unit = '' }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const { dark } = useShared()
  const { t, day, number } = useWords()
  useEffect(() => {
    const element = box.current
    if (element === null || days.length === 0) return
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string): string => (name.startsWith('--') ? style.getPropertyValue(name).trim() : name)
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: 220,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_plot, _min, max) => [0, Math.max(max, 1) * 1.1] } },
        axes: [
          { stroke: colour('--soft'), grid: { show: false }, ticks: { stroke: colour('--line') }, values: (_plot, at) => at.map((value) => day(value).replace(/^\S+ /, '')), font: '11px system-ui' },
          { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 0.6 }, ticks: { show: false }, values: (_plot, at) => at.map((value) => number(value) + unit), font: '11px system-ui' },
        ],
        series: [
          {},
          ...lines.map((line, i): uPlot.Series => ({
            label: line.name, stroke: colour(line.colour), width: line.kind === 'thin' ? 1 : 2, spanGaps: false,
            ...(line.kind === 'dashed' ? { dash: [6, 5] } : {}),
            ...(line.kind === 'bars' ? bars(i, lines.filter(({ kind }) => kind === 'bars').length, colour(line.colour)) : { points: { show: line.kind !== 'thin', size: 4, fill: colour(line.colour) } }),
          })),
        ],
        hooks: { drawClear: [(plot_) => { hatch(plot_, days, missing, colour('--line')) }] },
      },
      [days, ...lines.map(({ values }) => values)],
      element,
    )
    const resized = new ResizeObserver(() => { plot.setSize({ width: element.clientWidth, height: 220 }) })
    resized.observe(element)
    return () => {
      resized.disconnect()
      plot.destroy()
    }
  }, [days, lines, missing, dark, day, number, unit])
  return (
    <figure>
      <div className="chart" ref={box} role="img" aria-label={label} />
      <details className="table">
        <summary>{t('trends.table')}</summary>
        <div className="scroll" tabIndex={0} role="group">
          <table>
            <thead><tr><th>{t('trends.day')}</th>{lines.map(({ name }) => <th key={name} className="number">{name}</th>)}</tr></thead>
            <tbody>
              {days.map((at, i) => (
                <tr key={at}>
                  <td>{day(at)}</td>
                  {lines.map(({ name, values }) => {
                    const value = values[i]
                    return <td key={name} className="number">{value === null || value === undefined ? (missing[i] ? t('trends.missing') : '') : number(value) + unit}</td>
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

function bars(index: number, n: number, fill: string): Partial<uPlot.Series> {
  const align = n === 1 ? 0 : index === 0 ? -1 : 1
  const paths = uPlot.paths.bars?.({ size: [0.8 / n, 14], align: align })
  return { fill, width: 0, points: { show: false }, ...(paths ? { paths } : {}) }
}

function hatch(plot: uPlot, days: number[], missing: boolean[], colour: string): void {
  const { ctx, bbox } = plot
  const half = days.length > 1 ? ((days[1] ?? 0) - (days[0] ?? 0)) / 2 : 43_200_000
  ctx.save()
  ctx.beginPath()
  days.forEach((at, i) => {
    if (!missing[i]) return
    const left = Math.max(bbox.left, plot.valToPos(at - half, 'x', true))
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(at + half, 'x', true))
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
