/**
 * The shapes of the data that the canvas modules hand to each other. Types only: this file has nothing to run.
 * What `createSurface` gives back is called Surface in comments, and so on for the others: naming each other's files there
 * would make circles of imports.
 *
 * @typedef {"queued"|"running"|"success"|"failed"|"retrying"|"waiting"|"skipped"|"cancelled"|"paused"|"rolledback"} State
 *
 * @typedef {"added"|"removed"|"changed"|"renamed"|"moved"} Mark
 *
 * What the page gives for one task. `position` is the stored upper left corner; `usual` is in seconds.
 * @typedef {object} NodeData
 * @property {string} key
 * @property {string} name
 * @property {"work"|"person"|"condition"} kind
 * @property {string} [icon] id of a symbol in the sprite, such as "i-bot"
 * @property {string} [agent] who does it; the chip shows up to three letters
 * @property {string} [note] what it does, second line of a task that has no state: "Agent task"
 * @property {{x: number, y: number}} [position]
 * @property {State} [state]
 * @property {string} [word] "Retrying 2/3"; the state's own word when missing
 * @property {string} [glyph] symbol id when it differs from the state's, such as "g-timeout"
 * @property {string} [figure] right of the word: "1:04", "≈ 0:25", "Finance"
 * @property {string} [since] ISO time: the figure counts up from here
 * @property {string} [until] ISO time: the figure counts down to here
 * @property {number} [usual] seconds it usually takes: draws the running bar
 * @property {number} [progress] 0 to 1: draws the running bar when there is no `usual`
 * @property {string} [problem] a badge on the corner, with this text as its title
 * @property {"error"|"warning"} [severity] of the problem
 * @property {Mark} [mark] what became of it between two versions; the note says it in words
 * @property {number} [w] width and height where they are not those of a task
 * @property {number} [h]
 *
 * @typedef {object} EdgeData
 * @property {string} from
 * @property {string} to
 * @property {string} [label]
 * @property {"dependency"|"condition"|"failure"} [kind]
 * @property {"added"|"removed"} [mark] what became of it between two versions
 *
 * The disc in front of the first tasks: what started the run.
 * @typedef {{label: string, glyph?: string, state?: State}} StartData
 *
 * @typedef {{nodes: NodeData[], edges: EdgeData[], start?: StartData}} GraphData
 *
 * What a live update may change of a node. Absent fields stay, null clears.
 * @typedef {{state?: State, word?: string|null, glyph?: string|null, figure?: string|null, since?: string|null, until?: string|null, usual?: number|null, progress?: number|null, agent?: string|null}} TaskState
 *
 * A node as the canvas keeps it: the data, where it stands, and its neighbours.
 * @typedef {NodeData & {x: number, y: number, w: number, h: number, disc: boolean, order: number, into: Edge[], out: Edge[]}} Node
 *
 * @typedef {{x: number, y: number}} Point
 * @typedef {{x: number, y: number, w: number, h: number}} Box
 *
 * @typedef {object} Edge
 * @property {string} id
 * @property {Node} from
 * @property {Node} to
 * @property {string} label empty when there is no pill, or when a twin edge carries the same one
 * @property {"dependency"|"condition"|"failure"} kind
 * @property {"added"|"removed"} [mark]
 * @property {Point[]} points corners from port to port
 * @property {Box[]} boxes one for each stretch
 *
 * What the layout works on.
 * @typedef {{w: number, h: number}} Size
 * @typedef {{from: number, to: number, failure?: boolean, labelWidth?: number}} Link
 */
export {};
