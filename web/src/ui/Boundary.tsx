// What breaks, or does not arrive, takes down its own part and nothing else: the list outlives the map.
import { Component, type ReactNode } from 'react'
import { Failed } from './States'

interface Props {
  children: ReactNode
  // A change of it tries again.
  of: string
}

export class Boundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override componentDidUpdate(before: Props): void {
    if (before.of !== this.props.of && this.state.error !== null) this.setState({ error: null })
  }

  override render(): ReactNode {
    // A lazy part is remembered as failed: only a new page fetches it again.
    return this.state.error === null ? this.props.children : <Failed error={this.state.error} retry={() => { location.reload() }} />
  }
}
