# frozen_string_literal: true

require_relative "helper"
require "open3"
require "rbconfig"

# The README's program is example.rb, and does what it says; so do the lines of other pages.
class ReadmeTest < Minitest::Test
  HERE = File.expand_path("..", __dir__)

  def test_the_readme_has_the_example
    example = File.read(File.join(HERE, "example.rb"))[/^require "annoy"\n.*?^end\n/m]
    assert_includes File.read(File.join(HERE, "README.md")), "```ruby\n#{example}```\n"
  end

  def test_languages
    program = File.read(File.join(ROOT, "docs", "languages.md"))[/^```ruby\n(.*?)^```/m, 1]
    out, status = Open3.capture2e(RbConfig.ruby, *flags, "-e", "#{program}\np ids")
    assert status.success?, out
    assert_equal "[0, 2]\n", out
  end

  def test_living
    program = File.read(File.join(ROOT, "docs", "living.md"))[/^```ruby\n(.*?)^```/m, 1]
    out, status = Open3.capture2e(RbConfig.ruby, *flags, "-e", program)
    assert status.success?, out
    assert_equal "[1, 6, 5]\n6\n", out
  end

  def test_the_example_runs
    Dir.mktmpdir do |directory|
      FileUtils.mkdir(File.join(directory, "examples"))
      FileUtils.ln_s(File.join(ROOT, "examples", "data"), File.join(directory, "examples", "data"))
      out, status = Open3.capture2e(RbConfig.ruby, *flags, File.join(HERE, "example.rb"), chdir: directory)
      assert status.success?, out
      assert_match(/\A\["king", "prince", "queen", /, out)
    end
  end

  private

  def flags
    $LOAD_PATH.flat_map { |path| ["-I", path] }
  end
end
