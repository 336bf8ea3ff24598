import {
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryId,
  RawNode,
} from 'kysely';

class Collated extends OperationNodeTransformer {
  protected override transformNodeImpl<T extends OperationNode>(node: T, queryId?: QueryId): T {
    const isText = node.kind === 'DataTypeNode' && (node as { dataType?: unknown }).dataType === 'text';
    if (isText) return RawNode.createWithSql('text collate "C"') as unknown as T;
    return super.transformNodeImpl(node, queryId);
  }
}

const COLLATED = new Collated();

/**
 * Text columns are compared byte by byte, as SQLite does, whatever the database's locale: ids sort by time, and the versions of a
 * persona lie between `key@` and `keyA`.
 */
export class ByteOrder implements KyselyPlugin {
  transformQuery({ node, queryId }: PluginTransformQueryArgs) {
    const isDdl = node.kind === 'CreateTableNode' || node.kind === 'AlterTableNode';
    return isDdl ? COLLATED.transformNode(node, queryId) : node;
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    return result;
  }
}
