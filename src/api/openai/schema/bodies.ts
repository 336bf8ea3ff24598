/** The types of bodies that the document's schemas have let through. */

type Metadata = Record<string, string> | null;

export type FunctionObject = {
  name: string;
  description?: string;
  parameters?: Record<string, unknown>;
  strict?: boolean | null;
};

export type Tool =
  | { type: 'function'; function: FunctionObject }
  | { type: 'code_interpreter' }
  | { type: 'file_search'; file_search?: object };

export type ResponseFormat =
  | 'auto'
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema';
      json_schema: { name: string; description?: string; schema?: Record<string, unknown>; strict?: boolean | null };
    };

export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | { type: 'function' | 'code_interpreter' | 'file_search'; function?: { name: string } };

export type ToolResources = Record<string, Record<string, unknown> | undefined> | null;

export type MessagePart =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string; detail?: 'auto' | 'low' | 'high' } }
  | { type: 'image_file'; image_file: object };

export type CreateMessage = {
  role: 'user' | 'assistant';
  content: string | MessagePart[];
  attachments?: object[] | null;
  metadata?: Metadata;
};

/** What assistants and runs both say of their model. */
export type ModelFields = {
  temperature?: number | null;
  top_p?: number | null;
  response_format?: ResponseFormat | null;
  reasoning_effort?: string | null;
};

export type ModifyAssistant = ModelFields & {
  model?: string;
  name?: string | null;
  description?: string | null;
  instructions?: string | null;
  tools?: Tool[];
  tool_resources?: ToolResources;
  metadata?: Metadata;
};

export type CreateThread = { messages?: CreateMessage[]; tool_resources?: ToolResources; metadata?: Metadata };

export type CreateRun = ModelFields & {
  assistant_id: string;
  model?: string | null;
  instructions?: string | null;
  additional_instructions?: string | null;
  additional_messages?: CreateMessage[] | null;
  tools?: Tool[] | null;
  metadata?: Metadata;
  stream?: boolean | null;
  max_prompt_tokens?: number | null;
  max_completion_tokens?: number | null;
  truncation_strategy?: { type: 'auto' | 'last_messages'; last_messages?: number | null } | null;
  tool_choice?: ToolChoice | null;
  parallel_tool_calls?: boolean;
};

export type Bodies = {
  CreateAssistantRequest: ModifyAssistant & { model: string };
  ModifyAssistantRequest: ModifyAssistant;
  CreateThreadRequest: CreateThread;
  ModifyThreadRequest: { tool_resources?: ToolResources; metadata?: Metadata };
  CreateMessageRequest: CreateMessage;
  ModifyMessageRequest: { metadata?: Metadata };
  CreateRunRequest: CreateRun;
  CreateThreadAndRunRequest: CreateRun & { thread?: CreateThread; tool_resources?: ToolResources };
  ModifyRunRequest: { metadata?: Metadata };
  SubmitToolOutputsRunRequest: {
    tool_outputs: { tool_call_id?: string; output?: string }[];
    stream?: boolean | null;
  };
};
