/** An MCP server as a process of its own, which may be killed or frozen. `node tools.ts <port> <log>`; the log holds each execution. */
import { startHttpWorkshop } from '../../mcp/servers/http.ts';

const [port, log] = process.argv.slice(2);
if (log === undefined) throw new Error('usage: tools.ts <port> <log>');

const workshop = await startHttpWorkshop(log, { port: Number(port) });
process.stdout.write(`ready ${workshop.url}\n`);
