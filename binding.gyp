{
  "targets": [
    {
      "target_name": "roomrtc",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["build/Release/roomrtc.node"],
          "action": ["node", "node_modules/cmake-js/bin/cmake-js", "compile"],
          "message": "delegating to CMake (CMakeLists.txt is the one build definition)"
        }
      ]
    }
  ]
}
