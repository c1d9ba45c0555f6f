internal import Command
internal import Foundation

let program = Program(
    console: .process, environment: ProcessInfo.processInfo.environment, services: .live,
    processors: ProcessInfo.processInfo.activeProcessorCount)
exit(program.run(Array(CommandLine.arguments.dropFirst())).rawValue)
