import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/sdk/types.js';
import { cutOutput } from '../../cut-output.ts';
import type { ToolOutcome } from '../tool.ts';

/**
 * A tool's result as text for the model: its texts, a marker in the place of what is no text; its structured content as
 * JSON when there is no text at all.
 */
export function resultOutcome(result: CallToolResult): ToolOutcome {
  const blocks = result.content.map(blockText);
  const hasText = result.content.some((block) => block.type === 'text' && block.text !== '');
  if (!hasText && result.structuredContent !== undefined) blocks.push(JSON.stringify(result.structuredContent));
  return {
    status: result.isError ? 'error' : 'ok',
    output: cutOutput(blocks.filter((text) => text !== '').join('\n')),
  };
}

function blockText(block: ContentBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'image':
    case 'audio':
      return `[${block.type} ${block.mimeType}, ${base64Bytes(block.data)} bytes]`;
    case 'resource_link':
      return `[link ${[block.uri, block.mimeType, block.size && `${block.size} bytes`].filter(Boolean).join(', ')}]`;
    case 'resource':
      return resourceText(block.resource);
  }
}

/** The text of an embedded resource is often all that a tool has to say (a file's content), so it is kept. */
function resourceText(resource: Extract<ContentBlock, { type: 'resource' }>['resource']): string {
  const size = 'text' in resource ? Buffer.byteLength(resource.text) : base64Bytes(resource.blob);
  const marker = `[resource ${resource.uri}, ${resource.mimeType ?? 'unknown type'}, ${size} bytes]`;
  return 'text' in resource ? `${marker}\n${resource.text}` : marker;
}

function base64Bytes(data: string): number {
  return Buffer.byteLength(data, 'base64');
}
