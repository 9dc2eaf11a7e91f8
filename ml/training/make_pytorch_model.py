#!/usr/bin/env python3
"""Trains a small model with PyTorch and writes it in the form that NeuraBalancer loads.

A recipe for models of your own: replace `synthetic_data` by your measurements and keep the rest. Three files are written:

  load_balancer.onnx        input `features` [batch, n] float32, scaled; output `predicted_score` [batch, 1], lower is better
  scaler.json               {"mean": [...], "scale": [...]}: the host gives (x - mean) / scale to the model
  inference_features.json   the names of the features in the order of the columns

Needs PyTorch. On Debian:  apt-get install python3-torch
Run:  /usr/bin/python3 ml/training/make_pytorch_model.py OUTPUT_DIRECTORY [--seed 1]
"""

import argparse
import json
import pathlib

import torch

# The contract's names, in the contract's order. A model may take more of the names in src/learning/features/feature-names.ts
# after these six.
FEATURES = ["cpu_usage", "memory_usage", "active_conns", "error_rate", "response_p95", "capacity"]

# Far from its data a network says nothing: inputs are kept within this many standard deviations.
INPUT_LIMIT = 4.0


def synthetic_data(rows: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Servers in all sorts of states, and what a request cost there in milliseconds.

    The truth that the model has to find: time grows with the queue per unit of capacity and with the server's own
    slowness, CPU beyond 80 % hurts, memory says nothing, and a failed request costs a second.
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(rows, generator=generator)

    cpu = uniform(0, 100)
    memory = uniform(10, 95)
    capacity = torch.tensor([4.0, 8.0, 10.0, 16.0, 32.0])[torch.randint(0, 5, (rows,), generator=generator)]
    connections = torch.floor(uniform(0, 2.5) * capacity)
    errors = torch.where(torch.rand(rows, generator=generator) < 0.7, torch.zeros(rows), uniform(0, 1) ** 2)
    p95 = uniform(10, 400)

    queue = (connections + 1) / capacity
    service = p95 * (0.3 + 0.7 * queue) * (1 + torch.clamp(cpu - 80, min=0) / 20)
    cost = (1 - errors) * service + errors * torch.clamp(service, min=1000)
    noise = torch.exp(0.2 * torch.randn(rows, generator=generator))
    features = torch.stack([cpu, memory, connections, errors, p95, capacity], dim=1)
    return features, cost * noise


class Model(torch.nn.Module):
    """Scaled features in, expected cost out."""

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.hidden = torch.nn.Linear(inputs, hidden)
        self.output = torch.nn.Linear(hidden, 1)

    def log_cost(self, scaled: torch.Tensor) -> torch.Tensor:
        clipped = torch.clamp(scaled, -INPUT_LIMIT, INPUT_LIMIT)
        return self.output(torch.tanh(self.hidden(clipped)))

    def forward(self, scaled: torch.Tensor) -> torch.Tensor:
        return torch.exp(self.log_cost(scaled))


def train(features: torch.Tensor, cost: torch.Tensor) -> tuple[Model, torch.Tensor, torch.Tensor]:
    mean = features.mean(dim=0)
    scale = features.std(dim=0, unbiased=False)
    scaled = (features - mean) / scale
    model = Model(features.shape[1], hidden=16)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for step in range(1500):
        optimizer.zero_grad()
        log_cost = model.log_cost(scaled).squeeze(1)
        # Gamma deviance with a log link: costs are positive, and their spread grows with their mean.
        loss = (log_cost + cost * torch.exp(-log_cost)).mean()
        loss.backward()
        optimizer.step()
        if step % 500 == 499:
            error = (log_cost - torch.log(cost)).abs().mean().item()
            print(f"step {step + 1}: mean error {100 * error:.1f} % of the cost")
    return model.eval(), mean, scale


def write(directory: pathlib.Path, model: Model, mean: torch.Tensor, scale: torch.Tensor) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        model,
        torch.zeros(2, len(FEATURES)),
        str(directory / "load_balancer.onnx"),
        input_names=["features"],
        output_names=["predicted_score"],
        # The host asks for many servers at once.
        dynamic_axes={"features": {0: "batch"}, "predicted_score": {0: "batch"}},
        opset_version=16,
    )
    scaler = {"mean": mean.double().tolist(), "scale": scale.double().tolist()}
    (directory / "scaler.json").write_text(json.dumps(scaler, indent=2) + "\n")
    (directory / "inference_features.json").write_text(json.dumps(FEATURES, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed)
    features, cost = synthetic_data(4000, generator)
    model, mean, scale = train(features, cost)
    write(arguments.directory, model, mean, scale)
    print(f"wrote {arguments.directory}")


if __name__ == "__main__":
    main()
