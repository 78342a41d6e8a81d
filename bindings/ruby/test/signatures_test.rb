# frozen_string_literal: true

require_relative "helper"
require "pathname"

# sig/annoy.rbs and the documentation are those of the methods that there are.
class SignaturesTest < Minitest::Test
  HERE = File.expand_path("..", __dir__)
  TEXT = File.read(File.join(HERE, "sig", "annoy.rbs"))
  PARTS = [Annoy::Index, Annoy::AnnoyIndex, Annoy::Search, Annoy::Files, Annoy::Shards, Annoy::Bytes, Annoy::Labels, Annoy::Inspection].freeze

  # Methods by the class or module that sig/annoy.rbs has them in; class methods with
  # "self." in front.
  def signatures
    found = Hash.new { |hash, name| hash[name] = [] }
    place = nil
    TEXT.each_line do |line|
      place = Regexp.last_match(1) if line =~ /^  (?:class|module|interface) (\w+)/
      place = nil if line.match?(/^  end/)
      found[place] << Regexp.last_match(1) if line =~ /^ *(?:def|attr_reader) ((?:self\.)?[\w\[\]?!=]+)(?:,|:)/
    end
    found
  end

  def test_every_public_method_has_a_signature
    signatures = self.signatures
    PARTS.each do |part|
      methods = part.public_instance_methods(false).map(&:to_s) - %w[initialize_copy]
      assert_equal methods.sort, (signatures[part.name.split("::").last].reject { |name| name.match?(/\Aself\.|\Ainitialize\z/) }).sort
    end
    module_methods = Annoy.singleton_methods(false).map { |name| "self.#{name}" }
    assert_equal module_methods.sort, signatures[nil].sort
  end

  def test_every_error_and_constant_is_there
    (Annoy.constants - %i[Index AnnoyIndex]).each do |name|
      next if name.start_with?("AnnoyIndex")

      assert_match(/\b#{name}\b/, TEXT)
    end
  end

  def test_every_type_in_them_is_there
    require "rbs"
    loader = RBS::EnvironmentLoader.new
    loader.add(path: Pathname(File.join(HERE, "sig")))
    environment = RBS::Environment.from_loader(loader).resolve_type_names
    builder = RBS::DefinitionBuilder.new(env: environment)
    PARTS.each do |part|
      name = RBS::TypeName.new(name: part.name.split("::").last.to_sym, namespace: RBS::Namespace.parse("::Annoy"))
      definition = builder.build_instance(name)
      definition.methods.each_value { |method| method.method_types.each { |type| assert type.to_s } }
    end
  end

  # A comment stands over every public method, and names what YARD knows.
  def test_every_public_method_is_documented
    (PARTS + [Annoy.singleton_class]).each do |part|
      part.public_instance_methods(false).each do |name|
        path, line = part.instance_method(name).source_location
        lines = File.readlines(path)
        assert_match(/\A\s*#|\A\s*(alias|attr_)/, lines[line - 2], "#{part}##{name}")
      end
    end
  end
end
