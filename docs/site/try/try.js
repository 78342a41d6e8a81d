"use strict";
{
  const box = document.getElementById("words");
  const state = document.getElementById("state");
  const base = new URL(".", document.currentScript.src);
  const N = 12;
  const USUAL = -1n;

  /// The library, with memory to talk through.
  class Library {
    constructor(instance) {
      this.calls = instance.exports;
      this.memory = instance.exports.memory;
      // Where an error is told: two numbers, and up to 504 bytes of text.
      this.error = this.room(512);
    }

    /// Memory that the library does not use for anything itself.
    room(bytes) {
      return this.memory.grow(Math.ceil(bytes / 65536)) * 65536;
    }

    view() {
      return new DataView(this.memory.buffer);
    }

    bytes(at, length) {
      return new Uint8Array(this.memory.buffer, at, length);
    }

    check(status) {
      if (status === 0) return;
      const text = this.bytes(this.error + 8, 504);
      throw new Error(new TextDecoder().decode(text.subarray(0, text.indexOf(0))));
    }
  }

  class Words {
    constructor(library, file) {
      this.library = library;
      const at = library.room(file.length);
      library.bytes(at, file.length).set(file);
      this.scratch = library.room(65536);
      library.check(library.calls.annoy_open_buffer(at, file.length, 0n, this.scratch, library.error));
      this.index = library.view().getUint32(this.scratch, true);
      this.f = library.calls.annoy_get_f(this.index);
    }

    find(word) {
      const { library, scratch } = this;
      const { written } = new TextEncoder().encodeInto(word, library.bytes(scratch + 8, 4096));
      library.check(library.calls.annoy_find_label(this.index, scratch + 8, written, scratch, library.error));
      return library.view().getBigInt64(scratch, true);
    }

    vector(item) {
      const { library, scratch, f } = this;
      library.check(library.calls.annoy_get_item(this.index, item, scratch, f, library.error));
      return new Float32Array(library.memory.buffer.slice(scratch, scratch + 4 * f));
    }

    label(item) {
      const { library, scratch } = this;
      library.view().setBigInt64(scratch, item, true);
      library.check(library.calls.annoy_get_labels(this.index, scratch, 1, scratch + 64, 4096, scratch + 8, scratch + 16, library.error));
      const length = Number(library.view().getBigInt64(scratch + 8, true));
      return new TextDecoder().decode(library.bytes(scratch + 64, length));
    }

    /// The items nearest to a vector, with their distances.
    search(vector) {
      const { library, scratch, f } = this;
      const [ids, distances, n] = [scratch + 4 * f + 8, scratch + 16384, scratch + 32768];
      new Float32Array(library.memory.buffer, scratch, f).set(vector);
      const at = Math.ceil(ids / 8) * 8;
      library.check(library.calls.annoy_get_nns_by_vector(this.index, scratch, f, N, USUAL, at, distances, n, library.error));
      const found = library.view().getUint32(n, true);
      return Array.from({ length: found }, (_, rank) => [
        library.view().getBigInt64(at + 8 * rank, true),
        library.view().getFloat32(distances + 4 * rank, true),
      ]);
    }
  }

  /// Words with their signs: "king - man + woman".
  function terms(text) {
    const parts = text.toLowerCase().match(/[+-]|[^\s+-][^\s]*/g) ?? [];
    let sign = 1;
    const found = [];
    for (const part of parts) {
      if (part === "+" || part === "-") sign = part === "-" ? -1 : 1;
      else {
        found.push([sign, part]);
        sign = 1;
      }
    }
    return found;
  }

  function answer(words) {
    const body = document.querySelector("#found tbody");
    try {
      const asked = terms(box.value);
      const sum = new Float32Array(words.f);
      for (const [sign, word] of asked) words.vector(words.find(word)).forEach((x, at) => (sum[at] += sign * x));
      const begun = performance.now();
      const found = asked.length ? words.search(sum) : [];
      const took = performance.now() - begun;
      state.textContent = `${found.length} found in ${took.toFixed(2)} ms`;
      const rows = found
        .map(([item, distance]) => [words.label(item), distance])
        .filter(([label]) => !asked.some(([, word]) => word === label));
      body.replaceChildren(...rows.map(([label, distance]) => {
        const row = document.createElement("tr");
        for (const text of [label, distance.toFixed(4)]) row.append(Object.assign(document.createElement("td"), { textContent: text }));
        return row;
      }));
    } catch (error) {
      body.replaceChildren();
      state.textContent = error.message;
    }
  }

  async function begin() {
    const [module, file] = await Promise.all(["annoy_rs.wasm", "words.ann"].map(async (name) => {
      const answer = await fetch(new URL(name, base));
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      return answer.arrayBuffer();
    }));
    // No imports: the library asks a browser for nothing.
    const { instance } = await WebAssembly.instantiate(module, {});
    const words = new Words(new Library(instance), new Uint8Array(file));
    box.addEventListener("input", () => answer(words));
    answer(words);
  }
  begin().catch((error) => (state.textContent = error.message));
}
