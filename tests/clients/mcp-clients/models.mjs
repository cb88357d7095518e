// Models that only say one thing: call list_deals, and then "Done." They keep what they were asked, which is how a provider sees our tools.
export class Model {
  asked = [];

  // The last thing that the tool answered, as the model is shown it.
  answered;

  fetch = async (_, request) => {
    const body = JSON.parse(request.body);
    this.asked.push(body);
    return new Response(JSON.stringify(this.answer(body)), { headers: { "content-type": "application/json" } });
  };
}

export class Gemini extends Model {
  answer({ contents }) {
    const answers = contents.at(-1).parts.flatMap((part) => part.functionResponse ?? []);
    this.answered = answers[0]?.response ?? this.answered;
    const part = answers.length ? { text: "Done." } : { functionCall: { name: "list_deals", args: { limit: 2 } } };
    return { candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP", index: 0 }], usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } };
  }

  // The declarations of the first request.
  get shown() {
    const declared = this.asked[0]?.tools?.flatMap((tool) => tool.functionDeclarations ?? tool.function_declarations ?? []) ?? [];
    return declared.map(({ name, parameters, parametersJsonSchema }) => ({ name, schema: parameters ?? parametersJsonSchema }));
  }
}

export class OpenAI extends Model {
  answer({ messages }) {
    const last = messages.at(-1);
    if (last.role === "tool") this.answered = last.content;
    const call = { id: "call_1", type: "function", function: { name: "list_deals", arguments: '{"limit":2}' } };
    const message = last.role === "tool" ? { role: "assistant", content: "Done." } : { role: "assistant", content: null, tool_calls: [call] };
    const finish_reason = last.role === "tool" ? "stop" : "tool_calls";
    return { id: "1", object: "chat.completion", created: 0, model: "m", choices: [{ index: 0, message, finish_reason }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
  }

  get shown() {
    return (this.asked[0]?.tools ?? []).map((tool) => ({ name: tool.function.name, schema: tool.function.parameters }));
  }
}
