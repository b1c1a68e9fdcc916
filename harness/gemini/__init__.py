"""What is known of the API: its definition, models, schemas, providers, prices, grounding and media.

In: names, bodies and answers as plain JSON. Out: facts, requests and prices.
May import: ``text``, ``extensions``.

The facts are data: ``definition.json`` (messages and enums), ``models.yaml`` (models and their dates), ``providers.yaml``, ``capabilities.yaml``
(questions that show whether a model is as described), ``google_prices.json``.
"""
