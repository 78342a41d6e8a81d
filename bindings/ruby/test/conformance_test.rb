# frozen_string_literal: true

require_relative "helper"
require "digest"
require "json"

# The cases of tests/conformance, which every binding runs: what Annoy::Index gives is what
# the engine gives.
class ConformanceTest < Minitest::Test
  include Helper

  SCALARS = { "f32" => "float32", "f64" => "float64", "u64" => "uint64", "u32" => "uint32", "u8" => "uint8" }.freeze
  LABEL_KINDS = { nil => "none", integer: "u64", string: "utf8" }.freeze

  Dir[File.join(ROOT, "tests", "conformance", "*.json")].sort.each do |path|
    JSON.parse(File.read(path)).each do |example|
      name = [File.basename(path, ".json"), example["index"]["id_bits"], example["name"]].join(" ")
      define_method("test_#{name}") { run_case(example) }
    end
  end

  def test_there_are_cases
    assert_operator self.class.public_instance_methods(false).length, :>, 11 * 2 * 8
  end

  private

  def run_case(example)
    types = example["index"]
    @index = Annoy::Index.new(types["f"], metric: types["metric"], dtype: SCALARS[types["scalar"]], id_bits: types["id_bits"])
    example["steps"].each do |step|
      @step = step
      if step["error"]
        error = assert_raises(Annoy::Error, step.inspect) { take(step) }
        assert_equal step["error"], error.status, step.inspect
      else
        assert_equal step.fetch("expect", {}), take(step), step.inspect
      end
    end
  end

  def take(step)
    result = case step["call"]
             when "unbuild", "unload", "clear_labels", "thaw_built", "consolidate", "compact" then @index.public_send(step["call"])
             when "clear_label", "remove_item", "restore_item" then @index.public_send(step["call"], step["item"])
             when "on_disk_build", "load", "save_and_load" then @index.public_send(step["call"], file(step["file"]))
             else __send__("take_#{step['call']}", step)
             end
    result.is_a?(Hash) ? result : {}
  end

  def take_set_seed(step) = @index.seed(step["seed"])
  def take_add_item(step) = @index.add_item(step["item"], vector(step))
  def take_add_items(step) = @index.add_items(rows(step), ids: step["ids"])

  def take_insert_items(step)
    @index.insert_items(rows(step), ids: step["ids"], labels: step["labels"], replace: step.key?("replace"))
  end

  def take_build(step) = @index.build(step["n_trees"], n_threads: step["n_threads"])

  def take_save(step)
    @index.save(file(step["file"]))
    { "sha256" => Digest::SHA256.file(file(step["file"])).hexdigest }
  end

  def take_open(step)
    opened = Annoy.open(file(step["file"]))
    @index.close
    @index = opened
  end

  def take_counts(_step)
    { "n_items" => @index.n_items, "n_trees" => @index.n_trees, "f" => @index.f, "metric" => @index.metric,
      "scalar" => SCALARS.key(@index.dtype), "id_bits" => @index.id_bits }
  end

  def take_set_metadata(step) = @index.metadata = step["text"]
  def take_get_metadata(_step) = { "text" => @index.metadata.force_encoding(Encoding::UTF_8) }
  def take_verify(_step) = assert_empty(@index.verify)

  def take_get_item(step)
    return { "words" => @index.get_words(step["item"]).map { |word| format("%016x", word) } } if step["as"] == "words"

    { "vector" => @index.get_item(step["item"]) }
  end

  def take_get_distance(step) = { "distance" => @index.get_distance(step["i"], step["j"]) }
  def take_get_nns_by_item(step) = found(@index.search_item(step["item"], step["n"], search_k: step["search_k"]))
  def take_get_nns_by_vector(step) = found(@index.search(vector(step), step["n"], search_k: step["search_k"]))

  def take_search(step)
    return found(@index.search_item(step["item"], step["n"], **options(step))) if step["item"]

    found(@index.search(vector(step), step["n"], **options(step)))
  end

  def take_search_batch(step)
    return found(@index.search_items(step["items"], step["n"], **options(step))) if step["items"]

    found(@index.search_batch(rows(step), step["n"], **options(step)))
  end

  def take_set_label(step) = @index.set_label(step["item"], step["label"])
  def take_set_labels(step) = @index.set_labels(step["labels"], ids: step["ids"])
  def take_get_labels(step) = { "labels" => @index.labels(step["ids"]) }
  def take_find_label(step) = { "item" => @index.find_label(step["label"]) }

  def take_label_counts(_step)
    { "kind" => LABEL_KINDS.fetch(@index.label_kind), "n_labels" => @index.n_labels, "n_removed" => @index.n_removed }
  end

  def take_is_removed(step) = { "removed" => @index.removed?(step["item"]) }

  def take_has_items(step) = { "present" => step["items"].map { |item| @index.has_item?(item) ? 1 : 0 }.join }
  def take_get_ids(_step) = { "ids" => @index.ids }

  def take_estimate_recall(step)
    numbers = step.slice("n", "search_k", "n_sample", "seed").transform_keys(&:to_sym)
    { "recall" => @index.estimate_recall(**numbers) }
  end

  def found(found)
    { "ids" => found[0], "distances" => found[1] }
  end

  # JSON has no numbers for these.
  def number(value)
    { "nan" => Float::NAN, "inf" => Float::INFINITY }.fetch(value, value)
  end

  def words(words)
    words.map { |word| word.to_i(16) }.pack("Q*")
  end

  def vector(step)
    step["vector"] ? step["vector"].map { |value| number(value) } : words(step["words"])
  end

  def rows(step)
    step["rows"] ? step["rows"].map { |row| row.map { |value| number(value) } } : step["word_rows"].map { |row| words(row) }.join
  end

  def options(step)
    step["options"].to_h do |name, value|
      value = value.each_char.map { |bit| bit == "1" } if %w[allow deny].include?(name)
      [name.to_sym, name == "max_distance" ? number(value) : value]
    end
  end
end
