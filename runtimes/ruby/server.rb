# frozen_string_literal: true

# Runs functions: POST / with a JSON body that names one.

require "json"
require "openssl"
require "socket"
require_relative "http"

module Runtime
  MAX_TIMEOUT = 900 # seconds, for requests that name none
  GRACE = 5 # seconds for running requests after SIGTERM
  PAUSE = 0.2 # seconds without accepting, when there is no descriptor or thread left

  KEY = (ENV.delete("INTERNAL_RUNTIME_KEY") || "").b.freeze # not the function's business

  # What a function is given.
  Request = Struct.new(:env, :headers, :payload, keyword_init: true)

  # Takes the answer of a function; the first one counts.
  class Response
    def initialize
      @answer = Queue.new
    end

    # Answers with text.
    def send(text, status = 200)
      put(status, "text/plain; charset=utf-8", text.to_s)
    end

    # Answers with JSON.
    def json(value, status = 200)
      put(status, "application/json", JSON.generate(value))
    end

    def fail(error)
      finish(error)
    end

    # Waits for the answer; raises what the function raised.
    def wait(seconds)
      timer = Thread.new do
        sleep(seconds)
        finish(Failure.new(500, "Function did not answer within #{seconds} seconds"))
      end
      answer = @answer.pop
      raise answer if answer.is_a?(Exception)

      answer
    ensure
      timer&.kill
    end

    private

    def put(status, type, body)
      raise RangeError, "status code #{status.inspect} is not between 200 and 599" unless status.is_a?(Integer) && status.between?(200, 599)

      finish(Answer.new(status, type, body))
    end

    def finish(answer)
      @answer << answer # nobody takes a second one
      nil
    end
  end

  # Loads the files of functions, each once.
  class Functions
    def initialize
      @mutex = Mutex.new
      @locks = {} # of files: one that never ends to load keeps no other
      @loaded = {}
    end

    # Returns the method main of a file.
    def load(folder, file)
      source = File.join(folder, file)
      raise Failure.new(404, "Function not found: #{source}") unless @loaded[source] || File.file?(source)

      lock = @mutex.synchronize { @locks[source] ||= Mutex.new }
      lock.synchronize { @loaded[source] ||= execute(folder, source) }
    end

    private

    # The file is evaluated in a module of its own, as load(file, true) does,
    # so that two files can have a main each.
    def execute(folder, source)
      setup = File.join(folder, "vendor/bundle/bundler/setup.rb")
      require setup if File.file?(setup)
      $LOAD_PATH.unshift(folder) unless $LOAD_PATH.include?(folder)
      scope = Module.new
      scope.extend(scope)
      scope.module_eval(File.read(source, encoding: "UTF-8"), source)
      raise Failure.new(404, "#{source} defines no method main") unless scope.method_defined?(:main) || scope.private_method_defined?(:main)

      scope.method(:main)
    end
  end

  FUNCTIONS = Functions.new

  # What is needed to run a function once.
  class Call
    def initialize(body)
      text = body.force_encoding(Encoding::UTF_8)
      raise Failure.new(400, "Body is not UTF-8") unless text.valid_encoding?

      @object = JSON.parse(text, max_nesting: 1000)
      check
    rescue JSON::ParserError, JSON::NestingError => e
      raise Failure.new(400, "Body is not JSON: #{e.message[0, 200]}")
    end

    def run
      response = Response.new
      thread = Thread.new do
        Thread.current.report_on_exception = false
        main = FUNCTIONS.load(@object["path"], @object["file"])
        main.call(Request.new(env: @env, headers: @headers, payload: @payload), response)
      rescue Exception => e # SystemExit too: a function cannot end the server
        response.fail(told(e))
      end
      response.wait(@timeout)
    rescue Failure
      thread&.kill # it is too late
      raise
    rescue Exception => e
      raise told(e)
    end

    private

    # Tells of an exception, also of one that fails when it is looked at.
    def told(thrown)
      return thrown if Failure === thrown

      text = thrown.full_message(highlight: false, order: :top)
      warn(text)
      Failure.new(500, String.new(text))
    rescue Exception
      name = Module.instance_method(:name).bind_call(Kernel.instance_method(:class).bind_call(thrown))
      Failure.new(500, "#{name}, which cannot be told")
    end

    def check
      raise Failure.new(400, "Body is not a JSON object") unless @object.is_a?(Hash)

      %w[path file].each do |name|
        value = @object[name]
        raise Failure.new(400, "#{name} is not a string") unless value.is_a?(String) && !value.empty? && !value.include?("\0")
      end
      @env = given("env", Hash, {})
      @headers = given("headers", Hash, {})
      @payload = given("payload", String, "")
      @timeout = given("timeout", Numeric, MAX_TIMEOUT)
      raise Failure.new(400, "timeout is not a number of seconds") unless @timeout.positive?

      @timeout = [@timeout, MAX_TIMEOUT].min
    end

    def given(name, type, default)
      value = @object.fetch(name, default)
      raise Failure.new(400, "#{name} has the wrong type") unless value.is_a?(type)

      value
    end
  end

  # Decides who may run a function, before a body is read.
  def self.admit(head)
    raise Failure.new(405, "Only POST runs a function") unless head.verb == "POST"

    challenge = head.fields.fetch("x-internal-challenge", "")
    raise Failure.new(401, "Unauthorized") if KEY.empty? || !OpenSSL.secure_compare(challenge, KEY)
  end

  # Listens, and waits for running requests when it is told to end.
  class Server
    def initialize
      @socket = TCPServer.new("0.0.0.0", 3000)
      @socket.listen(1024)
    end

    def run
      ending, wake = IO.pipe
      Signal.trap("TERM") { wake.write_nonblock(".", exception: false) }
      loop do
        ready, = IO.select([@socket, ending])
        break if ready.include?(ending)

        accept
      end
      @socket.close
      Connection.drain(GRACE)
      $stdout.flush
      exit!(0) # functions may have left threads behind
    end

    private

    # Takes a client, if there are a descriptor and a thread for it.
    def accept
      client = @socket.accept_nonblock(exception: false)
      Thread.new(client) { |c| Connection.new(c).converse } unless client == :wait_readable
    rescue SystemCallError, ThreadError
      client&.close
      sleep(PAUSE)
    end
  end
end

$stdout.sync = true
Runtime::Server.new.run
