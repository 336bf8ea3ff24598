export async function answer(question: string): Promise<string> {
  return `You said: ${question}`;
}
