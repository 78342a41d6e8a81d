# frozen_string_literal: true

require_relative "helper"

# Everything in annoy.h is here, as it is there, and is used.
class CoverageTest < Minitest::Test
  HEADER = File.read(File.join(ROOT, "include", "annoy.h")).gsub(%r{//[^\n]*|/\*.*?\*/}m, "")
  FUNCTIONS = HEADER.scan(/^([\w *]+?\W)(annoy_\w+)\(([^)]*)\);/m)
  NATIVE = Annoy.const_get(:Native)
  SOURCES = File.join(File.dirname($LOADED_FEATURES.grep(%r{/annoy_rs\.rb\z}).first), "{annoy,annoy/*}.rb")

  # What another function does as well: annoy_new is annoy_new_with and the usual types, and so on.
  # Handle closes an index, by annoy_free.
  SHORTER = %w[annoy_new annoy_close annoy_build annoy_save annoy_add_item annoy_get_item annoy_get_nns_by_item
               annoy_get_nns_by_vector].freeze

  # Types of the header, and ffi's for them. Handles, arrays and functions are pointers.
  TYPES = {
    "void" => :void, "int32_t" => :int32, "int64_t" => :int64, "uint32_t" => :uint32, "uint64_t" => :uint64,
    "size_t" => :size_t, "double" => :double, "const char *" => :string,
    **%w[annoy_status annoy_metric annoy_scalar annoy_element annoy_method annoy_label_kind annoy_stage annoy_fact]
      .to_h { |name| [name, :int32] },
    **%w[annoy_filter_fn annoy_progress_fn annoy_log_fn].to_h { |name| [name, :pointer] }
  }.freeze

  def test_every_function_is_used
    assert_operator FUNCTIONS.length, :>=, 60
    # All but the tables of them.
    text = Dir[SOURCES].map { |path| File.read(path) }.join.gsub(/^ +annoy_\w+: \[.*$/, "")
    missing = FUNCTIONS.map { |_, name,| name }.reject { |name| SHORTER.include?(name) || text.match?(/\b#{name}\b/) }
    assert_empty missing, "functions of annoy.h that the gem does not use"
  end

  def test_every_function_has_the_parameters_of_the_header
    signatures = FUNCTIONS.to_h do |result, name, parameters|
      parameters = parameters.strip == "void" ? [] : parameters.split(",").map { |parameter| parameter_type(parameter, name) }
      [name.to_sym, [parameters, type(result.strip)]]
    end
    assert_equal signatures, NATIVE::AT_ONCE.merge(NATIVE::BLOCKING)
    assert signatures.keys.all? { |name| NATIVE.respond_to?(name) }
  end

  def test_every_number_is_that_of_the_header
    numbers = HEADER.scan(/^#define (ANNOY_\w+) (-?\d+)\s*$/).to_h { |name, number| [name.to_sym, number.to_i] }
    assert_operator numbers.length, :>, 30
    here = NATIVE.constants.grep(/\AANNOY_/).to_h { |name| [name, NATIVE.const_get(name)] }
    assert_equal numbers, here
  end

  def test_every_struct_has_the_fields_of_the_header
    structs = HEADER.scan(/^typedef struct (annoy_\w+) \{(.*?)\} \1;/m)
    assert_operator structs.length, :>=, 6
    structs.each do |name, body|
      struct = NATIVE.const_get(name.split("_").map(&:capitalize).join)
      fields = body.split(";").map(&:strip).reject(&:empty?).map do |field|
        field = field.sub(/\bstruct /, "").sub("[", " [")
        type_name, name, array = field.match(/\A(.*?[ *])(\w+)(?: (\[\d+\]))?\z/).captures
        array ? [name.to_sym, array[/\d+/].to_i] : [name.to_sym, FFI.type_size(type(type_name.strip))]
      end
      assert_equal fields, struct.members.map { |member| [member, struct.instance_variable_get(:@layout)[member].size] }, struct.to_s
    end
  end

  def test_every_status_has_a_class
    classes = Annoy.const_get(:Errors)::CLASSES
    # These would be faults of this gem or of the library.
    internal = %i[ANNOY_OK ANNOY_ERR_NULL ANNOY_ERR_TOO_SMALL ANNOY_ERR_PANIC]
    statuses = NATIVE.constants.grep(/\AANNOY_ERR_/) - internal
    assert_equal statuses.map { |name| NATIVE.const_get(name) }.sort, classes.keys.sort
    assert classes.values.all? { |error| error < Annoy::Error && error < StandardError }
  end

  private

  def parameter_type(parameter, function)
    text = parameter.strip[/\A(.*?[ *])\w+\z/, 1].strip
    # Labels are bytes with their length; other text is NUL-terminated.
    type(text, pointer: text == "const char *" && function.include?("label"))
  end

  def type(text, pointer: false)
    return :pointer if pointer

    TYPES.fetch(text) { text.end_with?("*") ? :pointer : flunk("unknown type #{text}") }
  end
end
